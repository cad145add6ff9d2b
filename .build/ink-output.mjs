import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** The file of ink 8.0.0 that the patch was made for and compared with. After an Ink update: look at the difference, then here. */
export const upstreamHash = '5e6c511c0a573f48cd5765d7f1f16583d2595f7b05775608382bdb990b63f225';

/**
 * Replaces how Ink puts a frame together. Ink makes an object for every cell of the screen and takes every line apart again
 * for every frame (2.6 ms at 200x60 before anything has changed). Our frames are lines that nothing overlaps, so a row that is
 * written once, unclipped, is kept as the string it is, and what a line parses to is remembered across frames. Rows that
 * overlap or are clipped go through Ink's own code. The result is the same screen; `test/ui/ink-output.test.ts` compares.
 */
export function inkOutputPlugin({ isStock = false } = {}) {
  return {
    name: 'ink-output',
    setup(build) {
      // Ink imports it for DEV=true only; left outside the bundle it would be a static import that fails at start.
      build.onResolve({ filter: /^react-devtools-core$/ }, () => ({
        path: 'react-devtools-core',
        namespace: 'ink-no-devtools',
      }));
      build.onLoad({ filter: /.*/, namespace: 'ink-no-devtools' }, () => ({
        contents: 'export default {};',
      }));
      build.onLoad({ filter: /[\\/]yoga-wasm-base64-esm\.js$/ }, ({ path }) => ({
        contents: withoutFetch(readFileSync(path, 'utf8')),
        loader: 'js',
      }));
      if (isStock) return;
      build.onLoad({ filter: /[\\/]node_modules[\\/]widest-line[\\/]index\.js$/ }, ({ path }) => ({
        contents: remembered(readFileSync(path, 'utf8')),
        loader: 'js',
      }));
      build.onLoad({ filter: /[\\/]node_modules[\\/]ink[\\/]build[\\/]output\.js$/ }, ({ path }) => ({
        contents: patchOutput(readFileSync(path, 'utf8')),
        loader: 'js',
      }));
    },
  };
}

/**
 * Yoga, Ink's layout engine, fetches its WebAssembly from a data: URL although it can decode it by itself: for that one
 * call Node loads its whole fetch: some 10 MB and 40 ms of every start.
 */
function withoutFetch(source) {
  const asks = '"function"!=typeof fetch';
  if (!source.includes(asks))
    throw new Error('yoga-layout no longer asks for fetch: review .build/ink-output.mjs');
  return source.replace(asks, 'true');
}

/** Ink measures every text of every frame anew; ours are the same few hundred placeholders (7 % of the time under load). */
function remembered(source) {
  const asks = 'export default function widestLine(string) {';
  if (!source.includes(asks)) throw new Error('widest-line has changed: review .build/ink-output.mjs');
  return `${source.replace(asks, 'function measure(string) {')}
const known = new Map();
export default function widestLine(string) {
  let width = known.get(string);
  if (width === undefined) {
    width = measure(string);
    if (known.size > 4096) known.clear();
    known.set(string, width);
  }
  return width;
}
`;
}

/** The patched module; throws when the upstream file is another one. */
export function patchOutput(source) {
  const hash = createHash('sha256').update(source).digest('hex');
  if (hash !== upstreamHash)
    throw new Error(`ink/build/output.js has changed (${hash}): review .build/ink-output.mjs`);
  const get = source.indexOf('    get() {');
  const end = source.indexOf('\n    }\n', get) + '\n    }\n'.length;
  return (source.slice(0, get) + methods + source.slice(end))
    .replace(
      'widths = new Map();\n    blockWidths = new Map();\n    styledChars = new Map();',
      'widths = recent(8192);\n    blockWidths = recent(2048);\n    styledChars = recent(64);',
    )
    .replace('    caches = new OutputCaches();', '    caches = sharedCaches;')
    .replace('export default class Output {', `${shared}export default class Output {`);
}

const shared = `
// A map that forgets what has not been asked for lately: two generations of at most \`limit\` entries.
function recent(limit) {
    let young = new Map();
    let old = new Map();
    return {
        get(key) {
            let value = young.get(key);
            if (value === undefined) {
                value = old.get(key);
                if (value !== undefined) this.set(key, value);
            }
            return value;
        },
        set(key, value) {
            if (young.size >= limit) {
                old = young;
                young = new Map();
            }
            young.set(key, value);
        },
    };
}
const sharedCaches = new OutputCaches();
const knownLines = recent(1024);
const knownBlocks = recent(1024);
`;

const methods = `    // The line as styledCharsToString would print it, and its cells.
    printed(line) {
        let known = knownLines.get(line);
        if (known === undefined) {
            const chars = this.caches.getStyledChars(line);
            let width = 0;
            for (const char of chars) width += Math.max(1, this.caches.getStringWidth(char.value));
            known = { text: styledCharsToString(chars), width };
            knownLines.set(line, known);
        }
        return known;
    }
    linesOf(text) {
        let lines = knownBlocks.get(text);
        if (lines === undefined) {
            const charLines = [[]];
            for (const char of this.caches.getStyledChars(text)) {
                if (char.value === '\\n') charLines.push([]);
                else charLines.at(-1).push(char);
            }
            lines = charLines.map(line => styledCharsToString(line));
            knownBlocks.set(text, lines);
        }
        return lines;
    }
    // True when every line of the write lands whole on a row that nothing has been written to.
    isAlone({ x, y }, lines, clip, rows) {
        if (x < 0 || y < 0 || y + lines.length > this.height) return false;
        if (clip) {
            if ((clip.x1 !== undefined && x < clip.x1) || (clip.y1 !== undefined && y < clip.y1)) return false;
            if (clip.y2 !== undefined && y + lines.length > clip.y2) return false;
            if (clip.x2 !== undefined && lines.some(line => x + this.printed(line).width > clip.x2)) return false;
        }
        return lines.every((_, index) => rows[y + index] === undefined);
    }
    get() {
        // A row is undefined (blank), { x, line } (one write), or cells (Ink's own way).
        const rows = new Array(this.height).fill(undefined);
        const cellsAt = y => {
            const row = rows[y];
            if (Array.isArray(row)) return row;
            const cells = [];
            for (let x = 0; x < this.width; x++) cells.push({ type: 'char', value: ' ', fullWidth: false, styles: [] });
            rows[y] = cells;
            if (row) this.applyWriteOperation({ [y]: cells }, { x: row.x, y, text: row.line, transformers: [] });
            return cells;
        };
        const clips = [];
        for (const operation of this.operations) {
            if (operation.type === 'clip') {
                clips.push(intersectClips(clips.at(-1), operation.clip));
                continue;
            }
            if (operation.type === 'unclip') {
                clips.pop();
                continue;
            }
            const clip = clips.at(-1);
            const lines = this.linesOf(operation.text);
            if (!this.isAlone(operation, lines, clip, rows)) {
                const view = {};
                for (let y = Math.max(0, operation.y); y < Math.min(this.height, operation.y + lines.length); y++) {
                    const isClipped = clip && ((clip.y1 !== undefined && y < clip.y1) || (clip.y2 !== undefined && y >= clip.y2));
                    if (!isClipped) view[y] = cellsAt(y);
                }
                this.applyWriteOperation(view, operation, clip);
                continue;
            }
            for (const [index, plain] of lines.entries()) {
                let line = plain;
                for (const transformer of operation.transformers) line = transformer(line, index);
                const { text, width } = this.printed(line);
                if (width > 0) rows[operation.y + index] = { x: operation.x, line: text };
            }
        }
        const printedRows = rows.map(row => {
            if (row === undefined) return '';
            if (Array.isArray(row)) return styledCharsToString(row.filter(item => item !== undefined)).trimEnd();
            return (' '.repeat(row.x) + row.line).trimEnd();
        });
        return { output: printedRows.join('\\n'), height: this.height };
    }
`;
