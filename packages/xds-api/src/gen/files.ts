// Every generated file descriptor; written by generate.ts.

export const files = [
];
