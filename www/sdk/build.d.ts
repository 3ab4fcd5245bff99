// What the build puts in: the module's bytes, style sheets as text, the package's version.

declare module "flinks-reconnect:wasm" {
  /** The module's bytes. */
  export default function bytes(): Uint8Array<ArrayBuffer>;
}

declare module "*.css" {
  const text: string;
  export default text;
}

declare const FLINKS_RECONNECT_VERSION: string;
