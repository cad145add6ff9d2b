import { BlockList, isIP } from 'node:net';

/** Environment variables, as `process.env` has them. */
export type Env = Readonly<Record<string, string | undefined>>;

/**
 * The proxy that Go's `http.ProxyFromEnvironment` would take for this server: HTTPS_PROXY or HTTP_PROXY by the
 * server's scheme, upper case first, never for localhost, and not for what NO_PROXY lists.
 */
export function proxyFromEnvironment(server: URL, env: Env): URL | undefined {
  const name = server.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const value = env[name] || env[name.toLowerCase()];
  if (value === undefined || value === '' || isExempt(server, env['NO_PROXY'] || env['no_proxy'] || ''))
    return undefined;
  return URL.parse(/^[a-z0-9]+:\/\//i.test(value) ? value : `http://${value}`) ?? undefined;
}

/** NO_PROXY as Go reads it: `*`, addresses, CIDR blocks, `host` (and what is below it), `.host` (only what is below it), each with an optional port. */
function isExempt(server: URL, noProxy: string): boolean {
  const host = bare(server.hostname).replace(/\.$/, '').toLowerCase();
  const port = server.port || (server.protocol === 'https:' ? '443' : '80');
  if (host === 'localhost' || (isIP(host) === 4 && host.startsWith('127.')) || host === '::1') return true;
  return noProxy
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .filter((entry) => entry !== '')
    .some((entry) => entry === '*' || matches(entry, host, port));
}

function matches(entry: string, host: string, port: string): boolean {
  if (entry.includes('/')) return isIP(host) !== 0 && inBlock(entry, host);
  const [, name = entry, wanted] = /^(\[[^\]]+\]|[^:]+):(\d+)$/.exec(entry) ?? [];
  if (wanted !== undefined && wanted !== port) return false;
  const pattern = bare(name).replace(/^\*\./, '.');
  if (isIP(pattern) !== 0) return pattern === host;
  return pattern.startsWith('.') ? host.endsWith(pattern) : host === pattern || host.endsWith(`.${pattern}`);
}

function inBlock(block: string, host: string): boolean {
  const [address = '', bits = ''] = block.split('/');
  const version = isIP(address);
  if (
    version === 0 ||
    version !== isIP(host) ||
    !/^\d+$/.test(bits) ||
    Number(bits) > (version === 4 ? 32 : 128)
  )
    return false;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(address, Number(bits), family);
  return list.check(host, family);
}

/** An address without the brackets that a URL puts around IPv6. */
export const bare = (host: string): string => host.replace(/^\[|\]$/g, '');
