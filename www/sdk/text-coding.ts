// What wasm-bindgen's JavaScript makes of text. It makes its coders as soon as it is imported, and importing the package must do nothing: Jest's jsdom
// has no such classes. The build puts these in their place, which ask the browser when they are first used.

/** As much of the browser's class as is used. */
export class TextDecoder {
  #browsers: globalThis.TextDecoder | undefined;

  /** The text of UTF-8 bytes, a byte order mark included. */
  decode(bytes?: Uint8Array): string {
    return bytes ? (this.#browsers ??= new globalThis.TextDecoder("utf-8", { ignoreBOM: true })).decode(bytes) : "";
  }
}

/** As much of the browser's class as is used. */
export class TextEncoder {
  #browsers: globalThis.TextEncoder | undefined;

  encode(text: string): Uint8Array {
    return (this.#browsers ??= new globalThis.TextEncoder()).encode(text);
  }

  encodeInto(text: string, bytes: Uint8Array): TextEncoderEncodeIntoResult {
    return (this.#browsers ??= new globalThis.TextEncoder()).encodeInto(text, bytes);
  }
}
