// What the build puts in the place of these two names: the glue that wasm-bindgen wrote, and the module's bytes in base64.

declare module "flinks-reconnect-server:module" {
  export function initSync(options: { module: WebAssembly.Module }): unknown;
  /** Throws the instance away, and makes it anew. */
  export function __wbg_reset_state(): void;
  export function settings(pace: string): string;
  export function is_login_id(text: string): boolean;
  export function start_task(settings: string, now: string, starting: string, body: Uint8Array): string;
  export function deliver_task(delivering: string, body: Uint8Array): string;
  export function webhook_task(body: Uint8Array): string;
  export function work_task(attempt: string): string;
  export function nightly_tasks(listed: string, connections: string, now: string): string;
  export function query(task: string): string;
  export function step(settings: string, now: string, task: string, stored: string): string;
  export function hear(task: string, answer: string): string;
  export function refused(task: string, outcome: string): string;
  export function bank_slow(): string;
  export function request(settings: string, call: string): string;
  export function read_answer(call: string, token: string | undefined, status: number, retryAfterMs: number | undefined, body: Uint8Array): string;
}

declare module "flinks-reconnect-server:bytes" {
  const bytes: string;
  export default bytes;
}
