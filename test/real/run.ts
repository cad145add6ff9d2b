import { parseArgs } from 'node:util';
import { startVitest } from 'vitest/node';

// `npm run test:real -- --kubeconfig F [--context C]`: the read-only suite against any cluster. vitest itself refuses foreign flags.
const { values } = parseArgs({
  options: {
    kubeconfig: { type: 'string' },
    context: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
});
if (values.help === true || values.kubeconfig === undefined) {
  process.stdout.write('npm run test:real -- --kubeconfig FILE [--context NAME]\n');
  process.exit(values.help === true ? 0 : 2);
}
process.env['MLTOP_TEST_KUBECONFIG'] = values.kubeconfig;
if (values.context !== undefined) process.env['MLTOP_TEST_CONTEXT'] = values.context;

const vitest = await startVitest('test', ['test/real/'], {
  watch: false,
  testTimeout: 300_000,
  hookTimeout: 120_000,
});
await vitest.close();
