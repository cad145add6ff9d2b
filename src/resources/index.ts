import { nodes } from './nodes.ts';
import { pods } from './pods.ts';
import { anyResource, type Resource } from './resource.ts';

/** Every kind that mltop knows by itself. Adding one is its file and its line here. */
export const tables: readonly Resource[] = [anyResource(pods), anyResource(nodes)];

const byWord = new Map<string, Resource>();
for (const table of tables) {
  const names = [table.name, table.kind.toLowerCase(), ...table.aliases];
  for (const word of names) if (!byWord.has(word)) byWord.set(word, table);
  if (table.group === '') continue;
  for (const word of names) {
    byWord.set(`${word}.${table.group}`, table);
    byWord.set(`${word}.${table.apiVersion}.${table.group}`, table);
  }
}

/**
 * The kind that a person means: `pods`, `po`, `Pod`, k9s's `dp`, `deployments.apps`, `deployments.v1.apps`.
 * Undefined where mltop does not know the word: then discovery may.
 */
export const findTable = (word: string): Resource | undefined => byWord.get(word.toLowerCase());
