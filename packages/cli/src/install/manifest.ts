/** A Kubernetes object as `heddle install` prints it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

/** Labels that all objects of an install carry; `heddle uninstall` and `check` find the install by them. */
export function meshLabels(component: string): Readonly<Record<string, string>> {
  return {
    "app.kubernetes.io/part-of": "heddle",
    "app.kubernetes.io/managed-by": "heddle",
    "istio.io/rev": "default",
    component,
  };
}
