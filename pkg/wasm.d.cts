// The core's file: what a call of `require` gives for it is for the bundler to say.

declare const file: unknown;
export = file;
