/** Whether a user or group id exists in a user namespace. `map` is `/proc/self/uid_map` or `gid_map`: lines of first id, outer id, count. */
export function isMapped(map: string, id: number): boolean {
  return map.split("\n").some((line) => {
    const [first, , count] = line.trim().split(/\s+/).map(Number);
    return first !== undefined && count !== undefined && id >= first && id < first + count;
  });
}
