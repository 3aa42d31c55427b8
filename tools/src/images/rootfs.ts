import { chmod, cp, mkdir, readFile, realpath, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { runCommand } from "../checks/run-command.ts";

const BUN = "/usr/local/bin/bun";

/** Copies a program with the shared libraries that it asks for; a static program has none. */
export async function copyProgram(program: string, to: string, rootfs: string): Promise<void> {
  await mkdir(dirname(join(rootfs, to)), { recursive: true });
  await cp(await realpath(program), join(rootfs, to));
  await chmod(join(rootfs, to), 0o755);
  const { output } = await runCommand(["ldd", await realpath(program)], "/");
  for (const [, library = ""] of output.matchAll(/(\/\S+\.so[^\s]*) \(0x/g)) {
    await mkdir(dirname(join(rootfs, library)), { recursive: true });
    await cp(await realpath(library), join(rootfs, library));
  }
}

/** The layer under every image: Bun, the C library, users, and name resolution by files then DNS. */
export async function baseRootfs(rootfs: string): Promise<void> {
  await copyProgram(process.execPath, BUN, rootfs);
  const { output } = await runCommand(
    [
      "sh",
      "-c",
      "ls /lib/*-linux-gnu/libnss_dns.so.2 /lib/*-linux-gnu/libnss_files.so.2 /lib/*-linux-gnu/libresolv.so.2",
    ],
    "/",
  );
  for (const library of output.split("\n").filter((l) => l.startsWith("/"))) {
    await mkdir(dirname(join(rootfs, library)), { recursive: true });
    await cp(await realpath(library), join(rootfs, library)).catch(() => undefined);
  }
  await mkdir(join(rootfs, "etc"), { recursive: true });
  await mkdir(join(rootfs, "tmp"), { recursive: true });
  await chmod(join(rootfs, "tmp"), 0o1777);
  await writeFile(
    join(rootfs, "etc/passwd"),
    "root:x:0:0:root:/:/bin/false\nistio-proxy:x:1337:1337:sidecar:/:/bin/false\n",
  );
  await writeFile(join(rootfs, "etc/group"), "root:x:0:\nistio-proxy:x:1337:\n");
  await writeFile(join(rootfs, "etc/nsswitch.conf"), "hosts: files dns\npasswd: files\ngroup: files\n");
}

/** Puts the dashboard beside the program that serves it, bundled: an image has no sources. Errors: what the bundler printed. */
export async function dashboardRootfs(root: string, program: string, rootfs: string): Promise<void> {
  const browser = join(root, "packages/dashboard/src/browser");
  const out = join(rootfs, "app", program, "browser");
  const { code, output } = await runCommand(
    [
      process.execPath,
      "build",
      join(browser, "main.tsx"),
      "--target=browser",
      "--minify",
      '--define=process.env.NODE_ENV="production"',
      `--outdir=${out}`,
      "--entry-naming=main.js",
    ],
    root,
  );
  if (code !== 0) throw new Error(`bundling the dashboard failed:\n${output}`);
  await cp(join(browser, "style.css"), join(out, "style.css"));
}

/**
 * Bundles each entry to `/app/<name>/` and links it on PATH; Bun runs it by its first line, so that no shell is needed.
 * Errors: what the bundler printed.
 */
export async function scriptsRootfs(
  root: string,
  scripts: Readonly<Record<string, string>>,
  rootfs: string,
): Promise<void> {
  for (const [name, entry] of Object.entries(scripts)) {
    const out = join(rootfs, "app", name);
    const { code, output } = await runCommand(
      [
        process.execPath,
        "build",
        join(root, entry),
        "--target=bun",
        "--splitting",
        "--minify-syntax",
        `--outdir=${out}`,
        "--entry-naming=main.js",
      ],
      root,
    );
    if (code !== 0) throw new Error(`bundling ${entry} failed:\n${output}`);
    const main = join(out, "main.js");
    await writeFile(main, `#!${BUN}\n${await readFile(main, "utf8")}`);
    await chmod(main, 0o755);
    const path = join(rootfs, "usr/local/bin", name);
    await mkdir(dirname(path), { recursive: true });
    // A link, not a script that imports: the program must find itself to be the main module.
    await symlink(`/app/${name}/main.js`, path);
  }
}
