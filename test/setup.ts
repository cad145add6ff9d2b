import fc from 'fast-check';

// The same cases in every run, so that a change is judged and not the dice. MLTOP_FUZZ_SEED=$RANDOM looks further.
fc.configureGlobal({ seed: Number(process.env['MLTOP_FUZZ_SEED'] ?? 20_261_124) });
