/** mltop's own version; a test holds it to package.json. Written out, so that `--version` reads no file. */
export const version = '0.1.0';

/** The oldest Node that runs mltop: undici 8 and Ink 8 need what it brings. */
export const oldestNode: readonly [number, number] = [22, 19];
