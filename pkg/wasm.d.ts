// The core's file: what an import of it gives is for the bundler to say, mostly its address or its bytes.

declare const file: unknown;
export default file;
