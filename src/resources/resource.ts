import type { KubeObject, ServerVersion } from '../kube/object.ts';

/** What a colour means. `ui/theme.ts` knows how each looks; no kind knows a colour. */
export type Tone =
  | 'plain'
  | 'strong'
  | 'dim'
  | 'good'
  | 'warn'
  | 'bad'
  | 'pending'
  | 'done'
  | 'unknown'
  | 'accent';

/** What sorting and filtering compare. `undefined` is "not known", sorts last and matches nothing. */
export type Value = string | number | undefined;

/**
 * One object as mltop keeps it: values, never display strings, never the raw object.
 * A row is replaced, never edited, so its identity is its version and it can key a WeakMap.
 */
export interface Row {
  readonly uid: string;
  /** Empty for cluster-scoped kinds. */
  readonly namespace: string;
  readonly name: string;
  /** Epoch ms; undefined where the object has no readable creationTimestamp. */
  readonly createdAt: number | undefined;
  /** metadata.resourceVersion, `''` where absent. Opaque: compare for equality only. */
  readonly version: string;
}

export interface Column<R extends Row> {
  /** Upper case, kubectl's own word where kubectl has the column. */
  readonly title: string;
  /** For sort, filter, csv and json. */
  readonly value: (row: R) => Value;
  /** For people. Default: `value` as text, `<none>` when undefined or empty. `now` is epoch ms. */
  readonly text?: (row: R, now: number) => string;
  /** Default: plain. */
  readonly tone?: (row: R, now: number) => Tone;
  /** Default: left. */
  readonly align?: 'left' | 'right';
  /** kubectl prints it: `table` always, `wide` with -o wide. Absent: mltop's own. kubectl's columns stand in kubectl's order. */
  readonly kubectl?: 'table' | 'wide';
  /** Shown only in wide mode on the screen. Default: false (and true where `kubectl` is `wide`). */
  readonly wide?: boolean;
  /** 0 stays on the narrowest terminal; the highest number goes first. */
  readonly priority: number;
  /** Reads more than the row, measurements for example: its value may change while the row stays the same. Default: false. */
  readonly live?: boolean;
  /** Draws a bar before the text on the screen: a share, 0–1; undefined: not known. */
  readonly share?: (row: R, now: number) => number | undefined;
  /** Draws the course of a share before the text, oldest first. */
  readonly trail?: (row: R) => readonly number[];
}

/** A table on the screen or on stdout: of one kind, or derived from several. */
export interface Table<R extends Row> {
  /** Plural, lower case: what `:` and the command line call it. */
  readonly name: string;
  /** Shown in the table's title: `Pods`. */
  readonly title: string;
  readonly aliases: readonly string[];
  readonly namespaced: boolean;
  /** Not namespaced, but made of what is in the chosen namespaces only. Default: false. */
  readonly followsNamespaces?: boolean;
  readonly columns: readonly Column<R>[];
  /** Said where it has no rows, before where that is so. Default: `No ` and the title in lower case. */
  readonly empty?: string;
  /** Column title and direction of the first sort. Default: NAMESPACE, then NAME. */
  readonly sort?: { readonly column: string; readonly descending: boolean };
  /** True where the row needs a person: Ctrl-Z keeps these, the header counts them. Default: never. */
  readonly fault?: (row: R, now: number) => boolean;
  /** Grows when what `live` columns read has changed. */
  readonly epoch?: () => number;
  /** One line on what is wrong with the row, for the strip under the table; undefined when healthy. */
  readonly why?: (row: R, now: number) => string | undefined;
}

export interface ProjectContext {
  /** Undefined until `/version` has answered: the newest rules apply. */
  readonly server: ServerVersion | undefined;
}

export type Capability = 'logs' | 'exec' | 'scale' | 'restart' | 'cordon' | 'suspend' | 'trigger';

/** A kind of the API. Adding one is one file here and one line in `index.ts`. */
export interface Resource<R extends Row = Row> extends Table<R> {
  /** `''` for core. */
  readonly group: string;
  readonly apiVersion: string;
  /** Served versions whose objects `toRow` reads just as well, best first: for servers without `apiVersion`. */
  readonly otherVersions?: readonly string[];
  /** Of an operator that not every cluster has: asked for only where discovery names it. Default: false. */
  readonly optional?: boolean;
  /** The API server keeps it in no watch cache, which rules out streaming lists. Default: false. */
  readonly uncached?: boolean;
  readonly kind: string;
  /** No more rows than about so many are kept: the ones that are worth least go. Default: all. */
  readonly keep?: { readonly atMost: number; readonly worth: (row: R) => number };
  readonly capabilities: readonly Capability[];
  /**
   * Projects one object. Cluster text is sanitised here, before anything measures or pads it.
   * Never throws on a malformed object: what cannot be read is undefined.
   */
  readonly toRow: (object: KubeObject, context: ProjectContext) => R;
}

/** A table computed from the rows of other kinds, for example GPUs per node. */
export interface DerivedTable<R extends Row> extends Table<R> {
  /** Kinds whose rows it reads: the feed keeps these open while it is shown. */
  readonly needs: readonly Resource<Row>[];
  readonly derive: (cluster: ClusterRows, now: number) => readonly R[];
}

/** The rows of a cluster as the pure rooms see them. */
export interface ClusterRows {
  readonly rowsOf: <R extends Row>(resource: Resource<R>) => Iterable<R>;
}

/** Checks a kind against its own row type. */
export function defineResource<R extends Row>(resource: Resource<R>): Resource<R> {
  return resource;
}

/** `/api/v1/pods`, `/api/v1/namespaces/train/pods`, `/apis/batch/v1/jobs`. An empty namespace means all. */
export function pathOf(
  resource: Pick<Resource, 'group' | 'apiVersion' | 'name' | 'namespaced'>,
  namespace = '',
): string {
  const root =
    resource.group === '' ? `/api/${resource.apiVersion}` : `/apis/${resource.group}/${resource.apiVersion}`;
  const scope = resource.namespaced && namespace !== '' ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${root}${scope}/${resource.name}`;
}

/** A kind whose row type is forgotten, for lists of kinds: its functions only ever see its own rows. */
export function anyResource<R extends Row>(resource: Resource<R>): Resource {
  return resource as unknown as Resource;
}

/** The kind's name in the table of protobuf field numbers: `core/v1.Pod`, `batch/v1.Job`. */
export const messageName = (resource: Pick<Resource, 'group' | 'apiVersion' | 'kind'>): string =>
  `${resource.group === '' ? 'core' : resource.group}/${resource.apiVersion}.${resource.kind}`;
