/** A kind that the server serves. */
export interface Kind {
  /** Empty for the core group. */
  readonly group: string;
  /** Served versions, preferred first; objects are kept in the preferred one. */
  readonly versions: readonly string[];
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly subresources: readonly Subresource[];
  /** Printer columns of a custom resource, as its CustomResourceDefinition lists them. */
  readonly printerColumns: readonly PrinterColumn[];
  /** A custom resource: its items carry apiVersion and kind inside a list, those of built-in kinds do not. */
  readonly custom: boolean;
  /** The group whose objects these are under another name: `events.k8s.io` shows the events of the core group. */
  readonly storedIn?: string;
}

export interface Subresource {
  readonly name: string;
  readonly verbs: readonly string[];
  readonly kind: string;
  readonly group?: string;
  readonly version?: string;
}

export interface PrinterColumn {
  readonly name: string;
  readonly type: string;
  readonly jsonPath: string;
  readonly format?: string;
  readonly description?: string;
  readonly priority?: number;
}

/** What is enough to serve a custom resource: the `spec` of a CustomResourceDefinition, flattened. */
export interface KindDefinition {
  readonly group: string;
  readonly versions: readonly string[];
  readonly kind: string;
  readonly plural?: string;
  readonly singular?: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly namespaced: boolean;
  readonly subresources?: readonly ('status' | 'scale')[];
  readonly printerColumns?: readonly PrinterColumn[];
}
