import { randomBytes } from 'node:crypto';
import type { User } from './rights.ts';

/** The people that the demo cluster knows, each by a bearer token of this run. */
export interface Users {
  readonly names: readonly string[];
  byToken(token: string): User | undefined;
  user(name: string): User | undefined;
  token(name: string): string;
  /** Gives somebody a new token; the old one is then a 401. */
  rotate(name: string): string;
}

const people: readonly User[] = [
  { name: 'admin', uid: 'admin', groups: ['system:masters', 'system:authenticated'] },
  { name: 'viewer', uid: 'viewer', groups: ['viewers', 'system:authenticated'] },
  { name: 'nobody', uid: 'nobody', groups: ['system:authenticated'] },
];

export function createUsers(): Users {
  const tokens = new Map(people.map((user) => [user.name, randomBytes(24).toString('hex')]));
  const find = (name: string): User | undefined => people.find((user) => user.name === name);
  return {
    names: people.map((user) => user.name),
    byToken: (token) => people.find((user) => tokens.get(user.name) === token),
    user: find,
    token: (name) => tokens.get(name) ?? '',
    rotate(name) {
      const token = randomBytes(24).toString('hex');
      if (tokens.has(name)) tokens.set(name, token);
      return token;
    },
  };
}
