import { BlockList, isIP } from 'node:net';
import { KubeError } from './kube-error.ts';

/** Environment variables, as `process.env` has them. */
export type Env = Readonly<Record<string, string | undefined>>;

/**
 * The proxy that Go's `http.ProxyFromEnvironment` would take for this server: HTTPS_PROXY or HTTP_PROXY by the
 * server's scheme, upper case first, never for localhost, and not for what NO_PROXY lists. Throws KubeError for one that is
 * no address: to go without would be another way than the one that was asked for.
 */
export function proxyFromEnvironment(server: URL, env: Env): URL | undefined {
  const name = server.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const value = env[name] || env[name.toLowerCase()];
  if (value === undefined || value === '' || isExempt(server, env['NO_PROXY'] || env['no_proxy'] || ''))
    return undefined;
  const proxy = URL.parse(/^[a-z0-9]+:\/\//i.test(value) ? value : `http://${value}`);
  if (proxy !== null) return proxy;
  throw new KubeError(
    `The proxy that ${env[name] ? name : name.toLowerCase()} names is no address: ${value}`,
    {
      kind: 'bad-kubeconfig',
      hint: `Correct it in the environment, or name the server in NO_PROXY.`,
    },
  );
}

/** NO_PROXY as Go reads it: `*`, addresses, CIDR blocks, `host` (and what is below it), `.host` (only what is below it), each with an optional port. */
function isExempt(server: URL, noProxy: string): boolean {
  const host = bare(server.hostname).toLowerCase();
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
  const [, name, wanted] = /^(\[[^\]]+\]|[^:]+):(\d+)$/.exec(entry) ?? [];
  if (wanted !== undefined && wanted !== port) return false;
  // Brackets without a port are no address to Go either.
  const pattern = (name === undefined ? entry : bare(name)).replace(/^\*\./, '.');
  if (isIP(host) !== 0) return isIP(pattern) !== 0 && isSameAddress(pattern, host);
  return pattern.startsWith('.') ? host.endsWith(pattern) : host === pattern || host.endsWith(`.${pattern}`);
}

/** IPv6 has many spellings, and holds all of IPv4. */
function isSameAddress(pattern: string, host: string): boolean {
  const list = new BlockList();
  list.addAddress(pattern, familyOf(pattern));
  if (list.check(host, familyOf(host))) return true;
  const mapped = /^::ffff:(\d+(?:\.\d+){3})$/.exec(pattern)?.[1];
  return mapped === host;
}

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 4 ? 'ipv4' : 'ipv6');

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
  const list = new BlockList();
  list.addSubnet(address, Number(bits), familyOf(host));
  return list.check(host, familyOf(host));
}

/** An address without the brackets that a URL puts around IPv6. */
export const bare = (host: string): string => host.replace(/^\[|\]$/g, '');
