import { gpu } from './gpu.ts';
import { gpuMemory } from './gpu-memory.ts';
import { hostMemory } from './host-memory.ts';
import { models } from './models.ts';
import { nodeLimits } from './node-limits.ts';
import { programs } from './programs.ts';
import { ranks } from './ranks.ts';
import { services } from './services.ts';
import type { Signature } from './signature.ts';
import { storage } from './storage.ts';

/**
 * gpu.md 6.2 and checklist.md 3.9, the highest rank first. Unanchored on purpose: logs carry prefixes of many launchers.
 */
export const signatures: readonly Signature[] = [
  ...gpuMemory,
  ...gpu,
  ...ranks,
  ...models,
  ...hostMemory,
  ...storage,
  ...services,
  ...programs,
  ...nodeLimits,
].sort((a, b) => b.rank - a.rank);
