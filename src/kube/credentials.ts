import { X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import type { ConnectOptions } from './contract.ts';
import { commandLine, type PluginCredential, runPlugin } from './exec-plugin.ts';
import { KubeError } from './kube-error.ts';
import type { Access, UserEntry } from './kubeconfig.ts';
import type { Timing } from './timing.ts';

/** Who we are at this moment. */
export interface Identity {
  /** `Authorization`, `Impersonate-*`. A name may repeat. */
  readonly headers: readonly (readonly [string, string])[];
  readonly certificate: string | Buffer | undefined;
  readonly key: string | Buffer | undefined;
  readonly authorities: string | Buffer | undefined;
}

export interface Credentials {
  /** Rejects with KubeError `credentials`. */
  readonly current: () => Promise<Identity>;
  /** After a 401: something other than what `used` was, or undefined where nothing better can be had. */
  readonly renewed: (used: Identity) => Promise<Identity | undefined>;
  /** What the person logged in with, for a sentence: `the token in the kubeconfig`. */
  readonly login: () => string;
  /** A person asks: a plugin that failed may run again, and may prompt. */
  readonly retryNow: () => void;
}

/** Files are looked at again after this time: rotated tokens and certificates are picked up (client-go: 10 s for tokens). */
const fileFreshMs = 10_000;

/**
 * Credentials of one user of the kubeconfig, by client-go's precedence: token, tokenFile (re-read), basic, exec
 * plugin, auth-provider. Over plain `http:` nothing but impersonation is sent, as kubectl has it.
 */
export function openCredentials(access: Access, options: ConnectOptions, timing: Timing): Credentials {
  const { user, cluster } = access;
  const secure = access.server.startsWith('https:');
  const impersonation = impersonationHeaders(user);
  const files = fileCache(timing);
  const plugin =
    user.exec === undefined || hasStaticLogin(user)
      ? undefined
      : pluginLogin(access, options, timing, files.read);
  let last: Identity | undefined;
  /** What the token file last held. */
  let lastToken: string | undefined;

  async function authorization(): Promise<{ header: string | undefined; from?: PluginCredential }> {
    // client-go lets tokenFile win over a token of the same user: the token is what the file held at login.
    const fromFile = await tokenOfFile();
    if (fromFile !== undefined) return { header: `Bearer ${fromFile}` };
    if (user.token !== undefined && user.token !== '') return { header: `Bearer ${user.token}` };
    if (user.username !== undefined && user.username !== '')
      return { header: `Basic ${Buffer.from(`${user.username}:${user.password ?? ''}`).toString('base64')}` };
    if (plugin !== undefined) {
      const from = await plugin.current();
      return { header: from.token === undefined ? undefined : `Bearer ${from.token}`, from };
    }
    if (user['auth-provider'] !== undefined)
      return { header: `Bearer ${providerToken(user['auth-provider'], access.userName, timing.now())}` };
    return { header: undefined };
  }

  async function tokenOfFile(): Promise<string | undefined> {
    const { tokenFile, token } = user;
    if (tokenFile === undefined || tokenFile === '') return undefined;
    const hasToken = token !== undefined && token !== '';
    const bytes = await files.read(tokenFile).catch((error: unknown) => {
      if (hasToken) return undefined;
      throw error;
    });
    const text = bytes?.toString('utf8').trim();
    if (text !== '') lastToken = text;
    // In the middle of being written anew; it is looked at again at once.
    else files.forget();
    if (lastToken === undefined && !hasToken)
      throw new KubeError(`The token file ${tokenFile} is empty`, {
        kind: 'credentials',
        hint: 'Log in again, or wait for who writes it.',
      });
    return lastToken;
  }

  async function current(): Promise<Identity> {
    if (!secure)
      return same({ headers: impersonation, certificate: undefined, key: undefined, authorities: undefined });
    const { header, from } = await authorization();
    const headers =
      header === undefined ? impersonation : [['Authorization', header] as const, ...impersonation];
    return same({
      headers,
      certificate:
        from?.certificate ??
        (await dataOrFile(user['client-certificate-data'], user['client-certificate'], files.read)),
      key: from?.key ?? (await dataOrFile(user['client-key-data'], user['client-key'], files.read)),
      authorities: await dataOrFile(
        cluster['certificate-authority-data'],
        cluster['certificate-authority'],
        files.read,
      ),
    });
  }

  /** The same object while nothing changed, so that who holds it can tell. */
  function same(next: Identity): Identity {
    if (last !== undefined && sameIdentity(last, next)) return last;
    last = next;
    return next;
  }

  async function renewed(used: Identity): Promise<Identity | undefined> {
    files.forget();
    await plugin?.renew(used);
    const next = await current();
    return sameIdentity(next, used) ? undefined : next;
  }

  return {
    current,
    renewed,
    login: () => loginOf(user, last?.certificate, timing.now()),
    retryNow: () => plugin?.retryNow(),
  };
}

/** In the order in which `authorization` looks. */
function loginOf(user: UserEntry, certificate: Identity['certificate'], nowMs: number): string {
  if (isGiven(user.tokenFile)) return `the token file ${user.tokenFile}`;
  if (isGiven(user.token)) return 'the token in the kubeconfig';
  if (isGiven(user.username)) return 'a user name and password';
  if (user.exec !== undefined && !hasStaticLogin(user)) return `the login plugin: ${commandLine(user.exec)}`;
  if (user['auth-provider'] !== undefined) return `the auth-provider ${user['auth-provider'].name}`;
  if (certificate === undefined) return 'nowhere: the kubeconfig names none';
  const endsMs = endOf(certificate);
  return endsMs !== undefined && endsMs < nowMs
    ? `a client certificate that ended on ${new Date(endsMs).toISOString().slice(0, 10)}`
    : 'a client certificate';
}

const isGiven = (value: string | undefined): boolean => value !== undefined && value !== '';

function endOf(certificate: string | Buffer): number | undefined {
  try {
    return Date.parse(new X509Certificate(certificate).validTo);
  } catch {
    return undefined;
  }
}

/** What makes client-go leave an exec plugin alone: a certificate of the user's own, too. */
const hasStaticLogin = (user: UserEntry): boolean =>
  [
    user.token,
    user.tokenFile,
    user.username,
    user['client-certificate'],
    user['client-certificate-data'],
  ].some(isGiven);

function sameIdentity(a: Identity, b: Identity): boolean {
  return (
    a.headers.length === b.headers.length &&
    a.headers.every(([name, value], at) => b.headers[at]?.[0] === name && b.headers[at]?.[1] === value) &&
    sameTls(a, b)
  );
}

/** Whether sockets opened as `a` may carry requests of `b`. */
export function sameTls(a: Identity, b: Identity): boolean {
  return (
    sameBytes(a.certificate, b.certificate) &&
    sameBytes(a.key, b.key) &&
    sameBytes(a.authorities, b.authorities)
  );
}

function sameBytes(a: string | Buffer | undefined, b: string | Buffer | undefined): boolean {
  if (a === b) return true;
  return a !== undefined && b !== undefined && Buffer.from(a).equals(Buffer.from(b));
}

type ReadFile = (path: string) => Promise<Buffer>;

async function dataOrFile(
  data: string | undefined,
  path: string | undefined,
  read: ReadFile,
): Promise<Buffer | undefined> {
  if (data !== undefined && data !== '') return Buffer.from(data, 'base64');
  return path === undefined || path === '' ? undefined : await read(path);
}

/** Files by path, re-read when their time stamp moved. A file that vanishes for a moment (a rotation) keeps its last content. */
function fileCache(timing: Timing): { readonly read: ReadFile; readonly forget: () => void } {
  const known = new Map<string, { bytes: Buffer; stamp: string; seenMs: number }>();
  async function read(path: string): Promise<Buffer> {
    const entry = known.get(path);
    if (entry !== undefined && Math.abs(timing.now() - entry.seenMs) < fileFreshMs) return entry.bytes;
    try {
      const { mtimeMs, size, ino } = await stat(path);
      const stamp = `${mtimeMs} ${size} ${ino}`;
      const bytes = entry?.stamp === stamp ? entry.bytes : await readFile(path);
      known.set(path, { bytes, stamp, seenMs: timing.now() });
      return bytes;
    } catch (cause) {
      if (entry !== undefined) return entry.bytes;
      throw new KubeError(
        `${path} cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'unknown error'})`,
        {
          kind: 'credentials',
          hint: 'The kubeconfig names this file: log in again, or correct the kubeconfig.',
          cause,
        },
      );
    }
  }
  return {
    read,
    forget: () =>
      known.forEach((entry) => {
        entry.seenMs = Number.NEGATIVE_INFINITY;
      }),
  };
}

interface PluginLogin {
  readonly current: () => Promise<PluginCredential>;
  readonly renew: (used: Identity) => Promise<void>;
  readonly retryNow: () => void;
}

/** One run at a time for all who wait; a failure is remembered for a while, so that a login page does not open each second. */
function pluginLogin(access: Access, options: ConnectOptions, timing: Timing, read: ReadFile): PluginLogin {
  let held: PluginCredential | undefined;
  let running: Promise<PluginCredential> | undefined;
  let failure: { readonly error: KubeError; readonly atMs: number } | undefined;
  // The first login and one that a person asks for may prompt; one in the background only where it cannot be avoided.
  let mayPrompt = true;
  /** When a 401 last had the plugin run. */
  let refusedAtMs = Number.NEGATIVE_INFINITY;

  const isRecent = (atMs: number): boolean => Math.abs(timing.now() - atMs) < timing.pluginRetryMs;

  function run(): Promise<PluginCredential> {
    // One that must ask takes the whole screen: after it failed, only for a person who wants that.
    const mustAsk = access.user.exec?.interactiveMode === 'Always' && !mayPrompt;
    if (failure !== undefined && (mustAsk || isRecent(failure.atMs))) return Promise.reject(failure.error);
    const prompt = mayPrompt;
    mayPrompt = false;
    running ??= authorityOf(access, read)
      .then((authority) => runPlugin(access, authority, { prompt, options, timing }))
      .then(
        (credential) => {
          held = credential;
          failure = undefined;
          return credential;
        },
        (error: unknown) => {
          failure = { error: asCredentialError(error), atMs: timing.now() };
          throw failure.error;
        },
      )
      .finally(() => {
        running = undefined;
      });
    return running;
  }

  async function current(): Promise<PluginCredential> {
    if (held === undefined) return await run();
    const { expiresAtMs, issuedAtMs } = held;
    if (expiresAtMs === undefined) return held;
    // Over before it began: one of the clocks is wrong, and the server may take it. Not a run for each request.
    if (expiresAtMs <= issuedAtMs && isRecent(issuedAtMs)) return held;
    // A token that lives a minute would otherwise be renewed before each request.
    const skewMs = Math.min(timing.expirySkewMs, (expiresAtMs - issuedAtMs) / 10);
    if (timing.now() < expiresAtMs - skewMs) return held;
    const old = held;
    return await run().catch((error: unknown) => {
      if (timing.now() < expiresAtMs) return old;
      throw error;
    });
  }

  async function renew(used: Identity): Promise<void> {
    const token = used.headers.find(([name]) => name === 'Authorization')?.[1];
    const isOther =
      (held?.token !== undefined && token !== `Bearer ${held.token}`) ||
      (held?.certificate !== undefined && used.certificate !== held.certificate);
    if (isOther) return;
    // Its newest is refused as well: many streams come back again and again, and each would have it run.
    if (running === undefined && isRecent(refusedAtMs)) return;
    refusedAtMs = timing.now();
    await run();
  }

  return {
    current,
    renew,
    retryNow: () => {
      failure = undefined;
      refusedAtMs = Number.NEGATIVE_INFINITY;
      mayPrompt = true;
    },
  };
}

const authorityOf = async ({ cluster, user }: Access, read: ReadFile): Promise<string | undefined> =>
  user.exec?.provideClusterInfo === true
    ? (
        await dataOrFile(cluster['certificate-authority-data'], cluster['certificate-authority'], read)
      )?.toString('base64')
    : undefined;

const asCredentialError = (error: unknown): KubeError =>
  error instanceof KubeError
    ? error
    : new KubeError(`The login plugin failed: ${error instanceof Error ? error.message : String(error)}`, {
        kind: 'credentials',
        hint: 'Run it by hand to see.',
        cause: error,
      });

/** `as`, `as-uid`, `as-groups`, `as-user-extra`, as client-go's transport writes them. */
function impersonationHeaders(user: UserEntry): (readonly [string, string])[] {
  const groups = user['as-groups'] ?? [];
  const extra = Object.entries(user['as-user-extra'] ?? {});
  if (user.as === undefined || user.as === '') {
    if (groups.length === 0 && extra.length === 0 && (user['as-uid'] ?? '') === '') return [];
    throw new KubeError('A group, uid or extra to act as is given, but no user', {
      kind: 'bad-kubeconfig',
      hint: 'Add --as USER (in the kubeconfig: "as").',
    });
  }
  const uid = user['as-uid'];
  return [
    ['Impersonate-User', user.as],
    ...(uid === undefined || uid === '' ? [] : [['Impersonate-Uid', uid] as const]),
    ...groups.map((group) => ['Impersonate-Group', group] as const),
    ...extra.flatMap(([key, values]) =>
      values.map((value) => [`Impersonate-Extra-${headerKey(key)}`, value] as const),
    ),
  ];
}

/** client-go's headerKeyEscape: bytes that a header name cannot hold, and `%`, are percent-encoded. */
const headerKey = (key: string): string =>
  [...Buffer.from(key.toLowerCase())]
    .map((byte) =>
      /[!#$&'*+\-.^_`|~0-9a-z]/.test(String.fromCharCode(byte))
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
    )
    .join('');

/** The token that a legacy auth-provider had cached, while it lasts. kubectl dropped gcp and azure in 1.26; renewing needs a plugin. */
function providerToken(
  provider: NonNullable<UserEntry['auth-provider']>,
  userName: string,
  nowMs: number,
): string {
  const config = provider.config ?? {};
  const token = provider.name === 'oidc' ? config['id-token'] : config['access-token'];
  const expiresMs = provider.name === 'oidc' ? jwtExpiryMs(token) : Date.parse(config['expiry'] ?? '');
  const instead =
    provider.name === 'oidc'
      ? 'kubectl oidc-login (kubelogin)'
      : provider.name === 'gcp'
        ? 'gke-gcloud-auth-plugin'
        : 'kubelogin';
  if (token !== undefined && token !== '' && expiresMs !== undefined && expiresMs > nowMs) return token;
  throw new KubeError(
    `The ${provider.name} token of user "${userName}" has expired, and mltop does not renew auth-provider logins`,
    {
      kind: 'credentials',
      hint: `Run any kubectl command to renew it, or switch this user to an exec plugin: ${instead}.`,
    },
  );
}

function jwtExpiryMs(token: string | undefined): number | undefined {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token?.split('.')[1] ?? '', 'base64url').toString('utf8'));
    const exp = (claims as Record<string, unknown>)['exp'];
    return typeof exp === 'number' ? exp * 1000 : undefined;
  } catch {
    return undefined;
  }
}
