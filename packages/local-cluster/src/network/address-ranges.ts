/** How many clusters fit side by side: pods 10.40–10.99, services 10.140–10.199. */
export const MAX_CLUSTERS = 60;

/** Pods of cluster `i` are 10.(40+i).x.y unless chosen otherwise. */
export const FIRST_POD_NET = 40;
