// The module's linear memory, which is its own affair: the engine shows it to whoever makes an instance. Loaded before the first session.

let memory;
const { Instance } = WebAssembly;
WebAssembly.Instance = function (...given) {
  const instance = new Instance(...given);
  memory = Object.values(instance.exports).find((exported) => exported instanceof WebAssembly.Memory);
  return instance;
};

/** Bytes; 0 before there is a module. */
export const memoryBytes = () => memory?.buffer.byteLength ?? 0;
