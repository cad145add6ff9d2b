import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, isAbsolute, join, resolve } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { ConnectOptions } from './contract.ts';
import { KubeError } from './kube-error.ts';
import { contradictionIn } from './kubeconfig-check.ts';

/*
 * kubeconfig as kubectl reads it. client-node's KubeConfig is not used: it differs from kubectl in ten places that
 * each read as "works in kubectl, not here" (the last file's current-context wins, a missing file throws,
 * `tokenFile` and `as-groups` are ignored, …), and importing it costs 300 ms and 85 MB against 25 ms for a YAML
 * parser. The test compares this file with `kubectl config view --raw --minify -o json`.
 */

export interface ClusterEntry {
  readonly server?: string;
  readonly 'tls-server-name'?: string;
  readonly 'insecure-skip-tls-verify'?: boolean;
  readonly 'certificate-authority'?: string;
  readonly 'certificate-authority-data'?: string;
  readonly 'proxy-url'?: string;
  readonly 'disable-compression'?: boolean;
  readonly extensions?: readonly { readonly name: string; readonly extension: unknown }[];
}

export interface ExecEntry {
  readonly apiVersion?: string;
  readonly command?: string;
  readonly args?: readonly string[] | null;
  readonly env?: readonly { readonly name: string; readonly value: string }[] | null;
  readonly installHint?: string;
  readonly provideClusterInfo?: boolean;
  readonly interactiveMode?: 'Never' | 'IfAvailable' | 'Always';
}

export interface UserEntry {
  readonly token?: string;
  readonly tokenFile?: string;
  readonly 'client-certificate'?: string;
  readonly 'client-certificate-data'?: string;
  readonly 'client-key'?: string;
  readonly 'client-key-data'?: string;
  readonly username?: string;
  readonly password?: string;
  readonly as?: string;
  readonly 'as-uid'?: string;
  readonly 'as-groups'?: readonly string[];
  readonly 'as-user-extra'?: Readonly<Record<string, readonly string[]>>;
  readonly exec?: ExecEntry;
  readonly 'auth-provider'?: { readonly name: string; readonly config?: Readonly<Record<string, string>> };
}

interface ContextEntry {
  readonly cluster?: string;
  readonly user?: string;
  readonly namespace?: string;
}

/** Several files merged: for each name, and for current-context, the first file that has it wins. */
export interface KubeconfigFile {
  readonly currentContext: string | undefined;
  readonly clusters: ReadonlyMap<string, ClusterEntry>;
  readonly users: ReadonlyMap<string, UserEntry>;
  readonly contexts: ReadonlyMap<string, ContextEntry>;
  /** The files read, in order; empty inside a pod and where there is none. */
  readonly files: readonly string[];
}

/** Which server, as whom, and where: what a connection needs. */
export interface Access {
  readonly contextName: string;
  readonly clusterName: string;
  readonly userName: string;
  readonly namespace: string;
  /** Of other contexts of the same cluster. */
  readonly otherNamespaces: readonly string[];
  readonly server: string;
  readonly cluster: ClusterEntry;
  readonly user: UserEntry;
}

/** A context, for `:ctx`. */
export interface ContextChoice {
  readonly name: string;
  readonly cluster: string;
  readonly user: string;
  readonly namespace: string;
  readonly current: boolean;
}

type Env = Readonly<Record<string, string | undefined>>;

/** The name of the context inside a pod, where there is no kubeconfig. */
export const inPod = 'in-cluster';

const serviceAccount = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The flag's file; else the list in KUBECONFIG; else ~/.kube/config. Missing files are skipped, a missing flag's file is not. */
export async function loadKubeconfig(
  flag: string | undefined,
  env: Env = process.env,
): Promise<KubeconfigFile> {
  const paths = flag !== undefined ? [flag] : listedPaths(env);
  const files: { path: string; config: RawFile }[] = [];
  for (const path of new Set(paths)) {
    const text = await readIfThere(path, flag !== undefined);
    if (text !== undefined) files.push({ path, config: parseFile(path, text) });
  }
  return merge(files);
}

function listedPaths(env: Env): string[] {
  const listed = (env['KUBECONFIG'] ?? '').split(delimiter).filter((path) => path !== '');
  if (listed.length > 0) return listed;
  return [join(env['HOME'] ?? homedir(), '.kube', 'config')];
}

async function readIfThere(path: string, required: boolean): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' && !required) return undefined;
    const kind = code === 'ENOENT' ? 'no-kubeconfig' : 'bad-kubeconfig';
    const why =
      code === 'ENOENT' ? 'There is no such file' : `It cannot be read (${code ?? 'unknown error'})`;
    throw new KubeError(`Kubeconfig ${path}: ${lower(why)}`, {
      kind,
      hint: 'Give a readable file with --kubeconfig.',
      cause,
    });
  }
}

type RawFile = Readonly<Record<string, unknown>>;

function parseFile(path: string, text: string): RawFile {
  const bad = (message: string, cause?: unknown): KubeError =>
    new KubeError(`Kubeconfig ${path} cannot be read: ${message}`, {
      kind: 'bad-kubeconfig',
      hint: `Compare with "kubectl config view --kubeconfig ${path}".`,
      cause,
    });
  let value: unknown;
  try {
    value = firstDocument(text);
  } catch (cause) {
    throw bad(cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause), cause);
  }
  // An empty file is an empty config, as `touch ~/.kube/config` leaves it.
  if (value === null || value === undefined) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw bad('it is not a kubeconfig');
  const config = value as RawFile;
  for (const list of ['clusters', 'contexts', 'users']) {
    const twice = twiceIn(config[list]);
    // Which of the two is meant, nobody can say.
    if (twice !== undefined) throw bad(`it has two ${list} "${twice}"`);
  }
  return config;
}

/** YAML as Go's parser reads it: merge keys (`<<`) count, and what comes behind a `---` does not. */
function firstDocument(text: string): unknown {
  const [document] = parseAllDocuments(text, { logLevel: 'error', uniqueKeys: false, merge: true });
  if (document === undefined || !('errors' in document)) return undefined;
  const [error] = document.errors;
  if (error !== undefined) throw error;
  return document.toJS();
}

function twiceIn(list: unknown): string | undefined {
  if (!Array.isArray(list)) return undefined;
  const names = list.flatMap((entry: unknown) =>
    typeof entry === 'object' && entry !== null && 'name' in entry ? [String(entry.name)] : [],
  );
  return names.find((name, at) => names.indexOf(name) < at);
}

function merge(files: readonly { readonly path: string; readonly config: RawFile }[]): KubeconfigFile {
  const clusters = new Map<string, ClusterEntry>();
  const users = new Map<string, UserEntry>();
  const contexts = new Map<string, ContextEntry>();
  let currentContext: string | undefined;
  for (const { path, config } of files) {
    const folder = dirname(resolve(path));
    for (const [name, entry] of named(config, 'clusters', 'cluster')) {
      if (!clusters.has(name)) clusters.set(name, withPaths(entry, ['certificate-authority'], folder));
    }
    for (const [name, entry] of named(config, 'users', 'user')) {
      if (!users.has(name))
        users.set(
          name,
          withCommand(withPaths(entry, ['client-certificate', 'client-key', 'tokenFile'], folder), folder),
        );
    }
    for (const [name, entry] of named(config, 'contexts', 'context')) {
      if (!contexts.has(name)) contexts.set(name, entry);
    }
    const current = config['current-context'];
    if (currentContext === undefined && typeof current === 'string' && current !== '')
      currentContext = current;
  }
  return { currentContext, clusters, users, contexts, files: files.map(({ path }) => path) };
}

function named(config: RawFile, list: string, field: string): [string, Record<string, unknown>][] {
  const entries = config[list];
  if (!Array.isArray(entries)) return [];
  return entries.flatMap((entry: unknown): [string, Record<string, unknown>][] => {
    if (typeof entry !== 'object' || entry === null) return [];
    const { name, [field]: value } = entry as Record<string, unknown>;
    if (typeof name !== 'string' && typeof name !== 'number') return [];
    return [[String(name), scalars(value)]];
  });
}

const switches: ReadonlySet<string> = new Set(['insecure-skip-tls-verify', 'disable-compression']);

/** A password or a uid of digits, unquoted, is text all the same; and `yes` is true, as in the YAML that Go reads. */
function scalars(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => {
      if (switches.has(key) && typeof field === 'string') return [key, /^(y|yes|on)$/i.test(field)];
      return [key, typeof field === 'number' ? String(field) : field];
    }),
  );
}

/** Relative paths are relative to the file that names them, not to where one stands. */
function withPaths(
  entry: Record<string, unknown>,
  fields: readonly string[],
  folder: string,
): Record<string, unknown> {
  const resolved = { ...entry };
  for (const field of fields) {
    const path = entry[field];
    if (typeof path === 'string' && path !== '' && !isAbsolute(path)) resolved[field] = join(folder, path);
  }
  return resolved;
}

/** A plugin named with a slash is a path; without, it is looked up in PATH. */
function withCommand(user: UserEntry, folder: string): UserEntry {
  const command = user.exec?.command;
  if (user.exec === undefined || command === undefined || !command.includes('/') || isAbsolute(command))
    return user;
  return { ...user, exec: { ...user.exec, command: join(folder, command) } };
}

/** All contexts, by name. */
export function contextsOf(config: KubeconfigFile): ContextChoice[] {
  return [...config.contexts]
    .map(([name, { cluster, user, namespace }]) => ({
      name,
      cluster: cluster ?? '',
      user: user ?? '',
      namespace: namespace === undefined || namespace === '' ? 'default' : namespace,
      current: name === config.currentContext,
    }))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** Namespaces that the contexts of one cluster name: the last rung when namespaces may not be listed. */
function namespacesOfCluster(config: KubeconfigFile, clusterName: string): string[] {
  const names = [...config.contexts.values()]
    .filter((context) => context.cluster === clusterName)
    .map((context) => context.namespace ?? '');
  return [...new Set(names)].filter((name) => name !== '');
}

/** The access that the flags and the kubeconfig name together; inside a pod without a kubeconfig, the pod's own. */
export async function findAccess(
  options: ConnectOptions,
  serviceAccountFolder: string = serviceAccount,
): Promise<Access> {
  const env = options.env ?? process.env;
  const config = await loadKubeconfig(options.kubeconfig, env);
  const isEmpty = config.clusters.size === 0 && config.contexts.size === 0;
  if (isEmpty && options.server === undefined) {
    const inside = await insideCluster(options, env, serviceAccountFolder);
    if (inside !== undefined) return inside;
    throw new KubeError(
      config.files.length === 0
        ? 'No kubeconfig found'
        : `Kubeconfig ${config.files.join(', ')} names no cluster`,
      {
        kind: 'no-kubeconfig',
        hint: `Looked at ${options.kubeconfig ?? listedPaths(env).join(', ')}. Set KUBECONFIG, give --kubeconfig FILE, or try "mltop demo".`,
      },
    );
  }
  const access = accessOf(config, options);
  const contradiction = contradictionIn(access);
  if (contradiction === undefined) return access;
  throw new KubeError(contradiction, {
    kind: 'bad-kubeconfig',
    hint: 'kubectl refuses it too: correct the kubeconfig.',
  });
}

/** Inside a pod: the service account's, with what the flags change. Undefined outside, and for who names a context, cluster or user. */
async function insideCluster(options: ConnectOptions, env: Env, folder: string): Promise<Access | undefined> {
  const host = env['KUBERNETES_SERVICE_HOST'];
  const port = env['KUBERNETES_SERVICE_PORT'];
  if (host === undefined || host === '' || port === undefined || port === '') return undefined;
  const named = [options.context, options.cluster, options.user].filter((name) => name !== inPod);
  if (named.some((name) => name !== undefined)) return undefined;
  const hasToken = await readFile(`${folder}/token`, 'utf8').then(
    () => true,
    () => false,
  );
  if (!hasToken) return undefined;
  // client-go's order: the downward API's variable, then the file.
  const namespace =
    (env['POD_NAMESPACE'] ?? '').trim() ||
    (await readFile(`${folder}/namespace`, 'utf8').catch(() => '')).trim();
  return {
    contextName: inPod,
    clusterName: inPod,
    userName: 'service account',
    namespace: namespace === '' ? 'default' : namespace,
    otherNamespaces: [],
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    cluster: clusterWith({ 'certificate-authority': `${folder}/ca.crt` }, options),
    user: userWith({ tokenFile: `${folder}/token` }, options),
  };
}

/** Pure: what `options` select from `config`. Throws KubeError for names that are not there. */
export function accessOf(config: KubeconfigFile, options: ConnectOptions): Access {
  const contextName = options.context ?? config.currentContext;
  const context = contextName === undefined ? undefined : config.contexts.get(contextName);
  if (
    context === undefined &&
    (options.context !== undefined || (options.cluster === undefined && options.server === undefined))
  ) {
    throw unknownName('context', contextName, [...config.contexts.keys()]);
  }
  const clusterName = options.cluster ?? context?.cluster ?? '';
  const userName = options.user ?? context?.user ?? '';
  const found = config.clusters.get(clusterName);
  if (found === undefined && options.server === undefined)
    throw unknownName('cluster', clusterName, [...config.clusters.keys()]);
  const user = config.users.get(userName);
  // kubectl takes a user that is not there for an anonymous one; the name given by a person must exist.
  if (user === undefined && options.user !== undefined)
    throw unknownName('user', userName, [...config.users.keys()]);
  const cluster = clusterWith(found ?? {}, options);
  const namespace =
    context?.namespace === undefined || context.namespace === '' ? 'default' : context.namespace;
  return {
    contextName: contextName ?? '',
    clusterName,
    userName,
    namespace,
    otherNamespaces: namespacesOfCluster(config, clusterName).filter((name) => name !== namespace),
    server: serverUrl(cluster.server, clusterName),
    cluster,
    user: userWith(user ?? {}, options),
  };
}

function unknownName(what: string, name: string | undefined, known: readonly string[]): KubeError {
  const some = known.slice(0, 12).join(', ');
  const choices =
    known.length === 0
      ? 'The kubeconfig names none.'
      : `There are: ${some}${known.length > 12 ? ', …' : ''}.`;
  const message =
    name === undefined || name === ''
      ? `The kubeconfig selects no ${what}`
      : `The kubeconfig has no ${what} "${name}"`;
  return new KubeError(message, { kind: 'unknown-context', hint: `${choices} Choose one with --${what}.` });
}

function serverUrl(server: string | undefined, clusterName: string): string {
  const text = server === undefined || server === '' ? 'http://localhost:8080' : server;
  // kubectl takes a bare host for http.
  const url = URL.parse(/^[a-z]+:\/\//i.test(text) ? text : `http://${text}`);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new KubeError(`The server of cluster "${clusterName}" is no https:// or http:// address: ${text}`, {
      kind: 'bad-kubeconfig',
      hint: 'Correct "server" in the kubeconfig, or give --server.',
    });
  }
  return url.href.replace(/\/+$/, '');
}

/** Flags over the file, with client-go's side effects: a flag's data forgets what the file said of the same thing. */
function clusterWith(cluster: ClusterEntry, options: ConnectOptions): ClusterEntry {
  const {
    'certificate-authority': file,
    'certificate-authority-data': data,
    'tls-server-name': name,
    ...rest
  } = cluster;
  const fromFile = {
    ...(file !== undefined && { 'certificate-authority': file }),
    ...(data !== undefined && { 'certificate-authority-data': data }),
  };
  const authority =
    options.certificateAuthority !== undefined
      ? { 'certificate-authority': resolve(options.certificateAuthority) }
      : options.insecureSkipTlsVerify === true
        ? {}
        : fromFile;
  const serverName = options.tlsServerName ?? (options.server === undefined ? name : undefined);
  return {
    ...rest,
    ...authority,
    ...(serverName !== undefined && { 'tls-server-name': serverName }),
    ...(options.server !== undefined && { server: options.server }),
    ...(options.insecureSkipTlsVerify !== undefined && {
      'insecure-skip-tls-verify': options.insecureSkipTlsVerify,
    }),
  };
}

function userWith(user: UserEntry, options: ConnectOptions): UserEntry {
  const { token, tokenFile, username, password, exec, 'auth-provider': provider, ...rest } = user;
  const login =
    options.token !== undefined
      ? { token: options.token }
      : {
          ...(token !== undefined && { token }),
          ...(tokenFile !== undefined && { tokenFile }),
          ...(username !== undefined && { username }),
          ...(password !== undefined && { password }),
          ...(exec !== undefined && { exec }),
          ...(provider !== undefined && { 'auth-provider': provider }),
        };
  const withFiles = { ...rest, ...login, ...clientFiles(options) };
  const as = options.impersonate;
  if (as === undefined) return withFiles;
  return {
    ...withFiles,
    ...(as.user !== undefined && { as: as.user }),
    ...(as.groups !== undefined && { 'as-groups': as.groups }),
    ...(as.uid !== undefined && { 'as-uid': as.uid }),
  };
}

function clientFiles({ clientCertificate, clientKey }: ConnectOptions): UserEntry {
  return {
    ...(clientCertificate !== undefined && {
      'client-certificate': resolve(clientCertificate),
      'client-certificate-data': '',
    }),
    ...(clientKey !== undefined && { 'client-key': resolve(clientKey), 'client-key-data': '' }),
  };
}

const lower = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);
