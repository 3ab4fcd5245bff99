// What happens to a session, by number: calls into WebAssembly carry numbers cheaply. `driver.rs` has the same.

export const BEGIN = 0;
/** By Connect's frame: with the message event. */
export const POSTED = 1;
/** With the call's number and what the host answered. */
export const STARTED = 2;
/** With the try's number and what the host answered. */
export const DELIVERED = 3;
/** With where the claim stands: held, busy. */
export const HELD = 4;
/** With the reason: the page's policy, or its isolation. */
export const BLOCKED = 5;
export const WAKE = 6;
export const OFFLINE = 7;
export const ONLINE = 8;
export const USER_CLOSED = 9;
export const USER_STAYS = 10;
export const USER_RETRIES = 11;
export const HOST_CLOSED = 12;
export const RETRY = 13;
