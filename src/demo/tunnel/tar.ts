import type { Files } from './files.ts';
import { resolvePath } from './files.ts';

/** Just enough of tar (POSIX ustar) for `kubectl cp`: regular files and directories. */
const block = 512;

function header(name: string, size: number, type: '0' | '5', seconds: number): Buffer {
  const bytes = Buffer.alloc(block);
  const long = Buffer.byteLength(name) > 100;
  const cut = long ? name.lastIndexOf('/', 154) : -1;
  bytes.write(long ? name.slice(cut + 1) : name, 0, 100);
  bytes.write(type === '5' ? '0000755\0' : '0000644\0', 100);
  bytes.write('0000000\0', 108);
  bytes.write('0000000\0', 116);
  bytes.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  bytes.write(`${Math.floor(seconds).toString(8).padStart(11, '0')}\0`, 136);
  bytes.write('        ', 148);
  bytes.write(type, 156);
  bytes.write('ustar\0' + '00', 257);
  if (long) bytes.write(name.slice(0, cut), 345, 155);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return bytes;
}

const padded = (content: Buffer): Buffer =>
  Buffer.concat([content, Buffer.alloc((block - (content.length % block)) % block)]);

/** The archive of what is at a path; undefined when nothing is. */
export function archive(files: Files, from: string, path: string): Buffer | undefined {
  const root = resolvePath(from, path);
  const isFile = files.read(root) !== undefined;
  if (!isFile && !files.isDirectory(root)) return undefined;
  const name = path.replace(/^\/+/, '').replace(/\/+$/, '');
  const parts: Buffer[] = isFile ? [] : [header(`${name || '.'}/`, 0, '5', Date.now() / 1000)];
  for (const file of files.below(root)) {
    const content = files.read(file) ?? Buffer.alloc(0);
    const inside =
      file === root
        ? name
        : `${name === '' ? '' : `${name}/`}${file.slice(root === '/' ? 1 : root.length + 1)}`;
    parts.push(header(inside, content.length, '0', Date.now() / 1000), padded(content));
  }
  return Buffer.concat([...parts, Buffer.alloc(block * 2)]);
}

/** Puts the files of an archive below a directory; gives their names. */
export function unarchive(files: Files, directory: string, bytes: Buffer): string[] {
  const names: string[] = [];
  let long: string | undefined;
  for (let at = 0; at + block <= bytes.length; ) {
    const head = bytes.subarray(at, at + block);
    if (head.every((byte) => byte === 0)) break;
    const text = (start: number, length: number): string =>
      head.toString('utf8', start, start + length).replace(/\0[\s\S]*$/, '');
    const size = Number.parseInt(text(124, 12).trim() || '0', 8);
    const type = String.fromCharCode(head[156] ?? 48);
    const content = bytes.subarray(at + block, at + block + size);
    at += block + Math.ceil(size / block) * block;
    if (type === 'L') {
      long = content.toString().replace(/\0+$/, '');
      continue;
    }
    if (type === 'x' || type === 'g') {
      long = /\d+ path=(.*)\n/.exec(content.toString())?.[1] ?? long;
      continue;
    }
    const prefix = text(345, 155);
    const name = long ?? (prefix === '' ? text(0, 100) : `${prefix}/${text(0, 100)}`);
    long = undefined;
    const path = resolvePath(directory, name.replace(/^\/+/, ''));
    if (type === '5') files.makeDirectory(path);
    else files.write(path, Buffer.from(content));
    names.push(name);
  }
  return names;
}
