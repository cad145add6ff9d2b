/** The door of the room: what the CLI and the tests use of it. */

export { controlFaults } from './control.ts';
export { readObjects, UnreadableObjects } from './from.ts';
export { ForeignKubeconfig } from './kubeconfig.ts';
export type { LogLine, LogSource } from './providers.ts';
export { serveDemo } from './serve.ts';
export { type Demo, type DemoOptions, startDemo } from './start.ts';
