import fc from 'fast-check';
import { afterAll } from 'vitest';
import { ownTemporaryDirectory } from './folder.ts';

// The same cases in every run, so that a change is judged and not the dice. MLTOP_FUZZ_SEED=$RANDOM looks further.
fc.configureGlobal({ seed: Number(process.env['MLTOP_FUZZ_SEED'] ?? 20_261_124) });

// The first to be named is the last to run: what tests and their programs leave behind by then fails the file.
afterAll(ownTemporaryDirectory());
