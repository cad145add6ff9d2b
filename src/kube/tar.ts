/**
 * As much of tar as copying files needs: ustar with pax and GNU long names, files and folders. Links, devices and
 * sparse files are skipped and counted: what a container sends is hostile, and a link is a way out of the folder.
 */

export interface TarEntry {
  readonly path: string;
  readonly kind: 'file' | 'folder' | 'other';
  readonly size: number;
  readonly mode: number;
  /** Epoch s. */
  readonly modifiedS: number;
}

/** What a reader calls, in order; a promise holds the next call back. */
export interface TarHandlers {
  readonly entry: (entry: TarEntry) => void | Promise<void>;
  readonly data: (bytes: Buffer) => void | Promise<void>;
  readonly end: () => void | Promise<void>;
}

export interface TarReader {
  /** Throws on bytes that are no tar archive. */
  readonly push: (bytes: Buffer) => Promise<void>;
  /** True at a place where an archive may end: between two entries. */
  readonly isWhole: () => boolean;
}

const blockSize = 512;
/** Of a pax header or a long name: paths have at most 4,096 bytes. */
const metaAtMost = 64 * 1024;

/** Reads an archive as its bytes come. */
export function createTarReader(handlers: TarHandlers): TarReader {
  let buffered: Buffer = Buffer.alloc(0);
  /** Bytes of the present entry that are still to come, and of its padding. */
  let left = 0;
  let padding = 0;
  let meta: { readonly type: string; readonly parts: Buffer[] } | undefined;
  let inEntry = false;
  let overrides: Readonly<Record<string, string>> = {};
  let isOver = false;

  async function takeHeader(block: Buffer): Promise<void> {
    if (block.every((byte) => byte === 0)) {
      isOver = true;
      return;
    }
    if (checksumOf(block) !== octal(block, 148, 8))
      throw new Error('what the pod sent is no tar archive (wrong checksum)');
    const type = String.fromCharCode(block[156] ?? 0).replace('\0', '0');
    const size = overrides['size'] === undefined ? octal(block, 124, 12) : Number(overrides['size']);
    if (!Number.isSafeInteger(size) || size < 0)
      throw new Error('what the pod sent is no tar archive (impossible size)');
    left = size;
    padding = (blockSize - (size % blockSize)) % blockSize;
    if (['x', 'g', 'L', 'K'].includes(type)) {
      if (size > metaAtMost) throw new Error('a name in the archive is longer than any path may be');
      meta = { type, parts: [] };
    } else {
      const prefix = textAt(block, 345, 155);
      const name = textAt(block, 0, 100);
      const path = overrides['path'] ?? (prefix === '' ? name : `${prefix}/${name}`);
      const kind = type === '0' || type === '7' ? 'file' : type === '5' ? 'folder' : 'other';
      overrides = {};
      inEntry = true;
      await handlers.entry({
        path,
        kind,
        size,
        mode: octal(block, 100, 8) & 0o777,
        modifiedS: octal(block, 136, 12),
      });
    }
    if (left === 0) await finish();
  }

  async function finish(): Promise<void> {
    if (meta !== undefined) {
      const bytes = Buffer.concat(meta.parts);
      if (meta.type === 'x') overrides = { ...overrides, ...paxOf(bytes) };
      else if (meta.type === 'L')
        overrides = { ...overrides, path: bytes.toString('utf8').replace(/\0+$/, '') };
      meta = undefined;
      return;
    }
    if (!inEntry) return;
    inEntry = false;
    await handlers.end();
  }

  return {
    isWhole: () => left === 0 && padding === 0 && buffered.length === 0 && !inEntry,
    async push(bytes) {
      buffered = buffered.length === 0 ? bytes : Buffer.concat([buffered, bytes]);
      while (buffered.length > 0) {
        // After the two empty blocks of the end comes padding, of no meaning.
        if (isOver) {
          buffered = Buffer.alloc(0);
          return;
        }
        if (left > 0) {
          const part = buffered.subarray(0, left);
          buffered = buffered.subarray(part.length);
          left -= part.length;
          if (meta !== undefined) meta.parts.push(Buffer.from(part));
          else await handlers.data(part);
          if (left === 0) await finish();
        } else if (padding > 0) {
          const skipped = Math.min(padding, buffered.length);
          padding -= skipped;
          buffered = buffered.subarray(skipped);
        } else {
          if (buffered.length < blockSize) return;
          const block = buffered.subarray(0, blockSize);
          buffered = buffered.subarray(blockSize);
          await takeHeader(block);
        }
      }
    },
  };
}

const textAt = (block: Buffer, from: number, length: number): string => {
  const field = block.subarray(from, from + length);
  const end = field.indexOf(0);
  return field.subarray(0, end === -1 ? length : end).toString('utf8');
};

/** Octal digits, or GNU's base 256 for what is larger. */
function octal(block: Buffer, from: number, length: number): number {
  const first = block[from] ?? 0;
  if ((first & 0x80) !== 0) {
    let value = first & 0x7f;
    for (let at = from + 1; at < from + length; at++) value = value * 256 + (block[at] ?? 0);
    return value;
  }
  const digits = textAt(block, from, length).trim();
  return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : 0;
}

function checksumOf(block: Buffer): number {
  let sum = 8 * 32;
  for (let at = 0; at < blockSize; at++) if (at < 148 || at >= 156) sum += block[at] ?? 0;
  return sum;
}

/** `30 path=a/b/c\n`: the length counts itself. */
function paxOf(bytes: Buffer): Record<string, string> {
  const found: Record<string, string> = {};
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const length = space === -1 ? Number.NaN : Number(bytes.subarray(at, space).toString());
    if (!Number.isInteger(length) || length <= 0) break;
    const [name = '', ...rest] = bytes
      .subarray(space + 1, at + length - 1)
      .toString('utf8')
      .split('=');
    if (name === 'path' || name === 'size') found[name] = rest.join('=');
    at += length;
  }
  return found;
}

/** The header of one entry, with a pax header before it where ustar has no room. */
export function tarHeader({ path, kind, size, mode, modifiedS }: TarEntry): Buffer {
  const name = Buffer.from(kind === 'folder' ? `${path.replace(/\/$/, '')}/` : path);
  const isLong = name.length > 100 || size > 0o77777777777;
  const own = headerBlock(isLong ? name.subarray(0, 100) : name, {
    type: kind === 'folder' ? '5' : '0',
    size: isLong && size > 0o77777777777 ? 0 : size,
    mode,
    modifiedS,
  });
  if (!isLong) return own;
  const pax = Buffer.concat([paxRecord('path', name.toString('utf8')), paxRecord('size', String(size))]);
  const head = headerBlock(Buffer.from('PaxHeader'), { type: 'x', size: pax.length, mode: 0o644, modifiedS });
  return Buffer.concat([head, padded(pax), own]);
}

/** Bytes that fill the last block of an entry of this size. */
export const tarPadding = (size: number): Buffer =>
  Buffer.alloc((blockSize - (size % blockSize)) % blockSize);

export const tarEnd = (): Buffer => Buffer.alloc(2 * blockSize);

const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, tarPadding(bytes.length)]);

function paxRecord(name: string, value: string): Buffer {
  const body = Buffer.from(` ${name}=${value}\n`);
  let length = body.length + 1;
  while (String(length).length + body.length !== length) length = String(length).length + body.length;
  return Buffer.concat([Buffer.from(String(length)), body]);
}

function headerBlock(
  name: Buffer,
  { type, size, mode, modifiedS }: { type: string; size: number; mode: number; modifiedS: number },
): Buffer {
  const block = Buffer.alloc(blockSize);
  const number = (value: number, from: number, length: number): void => {
    block.write(
      Math.max(0, Math.floor(value))
        .toString(8)
        .padStart(length - 1, '0'),
      from,
      'latin1',
    );
  };
  name.copy(block, 0);
  number(mode & 0o777, 100, 8);
  number(0, 108, 8);
  number(0, 116, 8);
  number(size, 124, 12);
  number(modifiedS, 136, 12);
  block.write(type, 156, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  number(checksumOf(block), 148, 7);
  block[155] = 0x20;
  return block;
}
