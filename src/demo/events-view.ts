import type { KubeLike } from './object.ts';

/** The fields of an event that its two API groups name differently: core, then events.k8s.io. */
const names: readonly (readonly [core: string, modern: string])[] = [
  ['involvedObject', 'regarding'],
  ['message', 'note'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['count', 'deprecatedCount'],
  ['source', 'deprecatedSource'],
  ['reportingComponent', 'reportingController'],
];
const toCore: ReadonlyMap<string, string> = new Map(names.map(([core, modern]) => [modern, core]));
const fromCore: ReadonlyMap<string, string> = new Map(names);

const renamed = (event: KubeLike, nameOf: ReadonlyMap<string, string>, apiVersion: string): KubeLike => ({
  ...Object.fromEntries(Object.entries(event).map(([field, value]) => [nameOf.get(field) ?? field, value])),
  apiVersion,
});

/** An event of events.k8s.io/v1 as the core group shows it, which is how it is kept. */
export const eventToCore = (event: KubeLike): KubeLike => renamed(event, toCore, 'v1');

/** A kept event as events.k8s.io/v1 shows it. */
export const eventFromCore = (event: KubeLike): KubeLike => renamed(event, fromCore, 'events.k8s.io/v1');
