/** A pod that holds devices of one class on one node. */
export interface Holder {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly count: number;
  /** Set where the pod is being deleted, epoch ms: it holds until it is gone. */
  readonly deletedAt: number | undefined;
}

/** Most first, then by name. */
export const sortHolders = (holders: Holder[]): readonly Holder[] =>
  holders.sort(
    (a, b) => b.count - a.count || (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1),
  );
