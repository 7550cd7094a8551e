// Where the core comes from, which is another module in each entry; and the chunks that it may come in.

declare module "the-core" {
  export const load: import("./engine.js").Load;
}

declare module "chunk:*" {
  export const core: import("./engine.js").Core;
}
