import { modelOf } from '../accelerators/models.ts';
import { nodes } from '../resources/nodes.ts';
import type { ClusterRows, Column, DerivedTable, Row } from '../resources/resource.ts';
import { planFit } from '../scheduling/fit.ts';
import type { Ledger } from '../scheduling/ledger.ts';
import type { Room } from '../scheduling/room.ts';
import { compressNames } from './node-names.ts';
import { bookSources } from './sources.ts';

/** Can a pod of so many GPUs of a model start now, and if not, what is the cheapest way to make room? `name` is the wish. */
export interface FitRow extends Row {
  readonly model: string;
  /** GPUs of one pod. */
  readonly gpus: number;
  /** How many such pods could start now. */
  readonly possible: number;
  /** The most GPUs that one pod could get. */
  readonly largestBlock: number;
  /** `gpu-[01-03]` where it would start; `''` where nowhere. */
  readonly where: string;
  /** The cheapest way to room for one; `''` where there is room, or none can be made. */
  readonly room: string;
}

const sizes: readonly number[] = [1, 2, 4, 8];

// Copies asked for at once: more say nothing that a person acts on, and each is a question to every node.
const copies = 16;

export function fitRows(ledger: Ledger, models: readonly string[]): readonly FitRow[] {
  return models.flatMap((model) =>
    sizes.map((gpus): FitRow => {
      const plan = planFit(ledger, { gpus, count: copies, model });
      const [room] = plan.room;
      const name = `${gpus}×${model}`;
      return {
        uid: name,
        namespace: '',
        name,
        createdAt: undefined,
        version: '',
        model,
        gpus,
        possible: plan.possible,
        largestBlock: plan.largestBlock,
        where: compressNames(plan.starts.map(({ node }) => node)),
        room: plan.possible > 0 || room === undefined ? '' : roomText(room),
      };
    }),
  );
}

/** `gpu-03: uncordon, move train/a (4), train/b (1, priority 10)`. It reads; nothing is advised to be deleted. */
function roomText({ node, uncordon, tolerate, move }: Room): string {
  const pods = move.map(({ namespace, name, units, priority, idle }) => {
    const notes = [`${units}`, priority === 0 ? '' : `priority ${priority}`, idle ? 'idle' : ''];
    return `${namespace}/${name} (${notes.filter((note) => note !== '').join(', ')})`;
  });
  const steps = [
    uncordon ? 'uncordon it' : '',
    tolerate === undefined ? '' : `tolerate ${tolerate}`,
    pods.length === 0 ? '' : `without ${pods.join(', ')}`,
  ];
  return `${node}: ${steps.filter((step) => step !== '').join(', ')}`;
}

const columns: readonly Column<FitRow>[] = [
  { title: 'NAME', value: (row) => row.name, priority: 0 },
  { title: 'MODEL', value: (row) => row.model, priority: 3 },
  { title: 'GPUS', value: (row) => row.gpus, align: 'right', priority: 3 },
  {
    title: 'FIT NOW',
    value: (row) => row.possible,
    text: ({ possible }) => (possible >= copies ? `${copies}+` : String(possible)),
    tone: ({ possible }) => (possible > 0 ? 'good' : 'warn'),
    align: 'right',
    priority: 0,
  },
  { title: 'BLOCK', value: (row) => row.largestBlock, align: 'right', priority: 1 },
  { title: 'WHERE', value: (row) => row.where, text: (row) => row.where || '-', priority: 1 },
  { title: 'UNBLOCK', value: (row) => row.room, text: (row) => row.room || '-', priority: 2 },
];

export interface FitAccess {
  readonly scheduling: (cluster: ClusterRows) => Ledger;
  /** The model that is asked about; every one without it. */
  readonly shownModel: () => string | undefined;
}

// Plans for every size look at every node several times; what they say is good for a moment.
const goodForMs = 5000;

/** Fits, by model and size. */
export function fitTable({ scheduling, shownModel }: FitAccess): DerivedTable<FitRow> {
  let last: { readonly rows: readonly FitRow[]; readonly atMs: number; readonly of: string } | undefined;
  return {
    name: 'fit',
    title: 'Fits',
    empty: 'No node has a GPU model to ask about',
    aliases: ['fits'],
    namespaced: false,
    needs: bookSources.map(({ resource }) => resource),
    columns,
    sort: { column: 'NAME', descending: false },
    why: ({ room, possible }) => (possible > 0 || room === '' ? undefined : `It would fit on ${room}`),
    derive(cluster, now) {
      const of = shownModel() ?? '';
      // What was asked before the nodes came is no answer.
      const isGood = last !== undefined && last.rows.length > 0 && last.of === of;
      if (last !== undefined && isGood && now - last.atMs < goodForMs) return last.rows;
      const known = new Set([...cluster.rowsOf(nodes)].flatMap((node) => modelOf(node) ?? []));
      const models = of === '' ? [...known].sort() : [of];
      last = { rows: fitRows(scheduling(cluster), models), atMs: now, of };
      return last.rows;
    },
  };
}
