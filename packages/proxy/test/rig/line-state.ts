/** Here the line's process listens for what was sent to the other address. */
export const ADDRESS = "10.77.0.1";
/** What is sent here goes over the line and arrives at `ADDRESS`. */
export const FAR_ADDRESS = "10.77.0.2";
export const NETMASK = "255.255.255.0";

/** How a line treats packets. */
export interface LineState {
  /** One way. Units: ms. */
  readonly delayMs: number;
  /** Share of packets lost, 0…1; 1 cuts the line without a sound. */
  readonly loss: number;
  /** Share of TCP segments that become resets. */
  readonly resets: number;
}
