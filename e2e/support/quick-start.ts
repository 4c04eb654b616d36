/**
 * Flags of Node.js for processes that live for seconds: V8 optimizes WebAssembly later, so that it takes 0.5 s and not 2 s of
 * a processor until an embedded store is open. What is really hot is optimized all the same.
 */
export const quickStart = ["--wasm-tiering-budget=200000000"];
