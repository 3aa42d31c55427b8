/** One rule that the repository must keep; `run` looks at the tree below `root` and returns everything that breaks it. */
export interface Check {
  readonly name: string;
  run(root: string): Promise<readonly Problem[]>;
}

export interface Problem {
  /** Path below the root, with `:line` where known. */
  readonly where: string;
  readonly what: string;
}
