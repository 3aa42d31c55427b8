/** Whether gRPC takes it as the name of metadata that is text. Case counts as in HTTP: not at all. Source: gRPC over HTTP/2, "Custom-Metadata". */
export function isMetadataName(name: string): boolean {
  return /^[0-9a-z_.-]+$/i.test(name) && !/-bin$/i.test(name);
}

/** Whether gRPC takes it as the value of metadata that is text: printable ASCII. */
export function isMetadataValue(value: string): boolean {
  return /^[ -~]*$/.test(value);
}
