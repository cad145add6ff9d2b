import { blankText, nameColumn } from './columns.ts';
import type { Row, Table } from './resource.ts';

/** A context of the kubeconfig. */
export interface ContextRow extends Row {
  readonly isCurrent: boolean;
  readonly cluster: string;
  readonly user: string;
  readonly server: string;
  /** The namespace that the context names; `''` where it names none. */
  readonly home: string;
}

/** What `:ctx` shows: kubectl's `config get-contexts`, and where each leads. */
export const contexts: Table<ContextRow> = {
  name: 'contexts',
  title: 'Contexts',
  aliases: ['ctx', 'context'],
  namespaced: false,
  columns: [
    {
      title: 'CURRENT',
      value: (row) => (row.isCurrent ? '*' : ''),
      text: (row) => (row.isCurrent ? '*' : ''),
      tone: () => 'accent',
      priority: 1,
    },
    nameColumn,
    {
      title: 'CLUSTER',
      value: (row) => row.cluster,
      text: blankText((row: ContextRow) => row.cluster),
      priority: 2,
    },
    {
      title: 'AUTHINFO',
      value: (row) => row.user,
      text: blankText((row: ContextRow) => row.user),
      priority: 4,
    },
    {
      title: 'NAMESPACE',
      value: (row) => row.home,
      text: blankText((row: ContextRow) => row.home),
      priority: 3,
    },
    {
      title: 'SERVER',
      value: (row) => row.server,
      text: blankText((row: ContextRow) => row.server),
      tone: () => 'dim',
      priority: 5,
    },
  ],
  sort: { column: 'NAME', descending: false },
};
