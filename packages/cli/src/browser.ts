/** Where there is a screen; a failure costs nothing, the address is printed. */
export function openBrowser(url: string, env: Readonly<Record<string, string | undefined>>): void {
  const opener = process.platform === "darwin" ? "open" : "xdg-open";
  if (process.platform !== "darwin" && !env["DISPLAY"] && !env["WAYLAND_DISPLAY"]) return;
  const path = Bun.which(opener);
  if (path) Bun.spawn([path, url], { stdio: ["ignore", "ignore", "ignore"] }).unref();
}
