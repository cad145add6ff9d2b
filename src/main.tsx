import { oldestNode, version } from './version.ts';

/**
 * The entry. It imports nothing else statically: `--version` answers at the price of bare Node, and a Node that is too
 * old is told so in one line instead of failing inside a dependency.
 */
async function main(args: readonly string[]): Promise<void> {
  if (args.length === 1 && (args[0] === '--version' || args[0] === '-V')) {
    process.stdout.write(`mltop ${version}\n`);
    return;
  }
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < oldestNode[0] || (major === oldestNode[0] && minor < oldestNode[1])) {
    process.stderr.write(
      `mltop needs Node ${oldestNode.join('.')} or later, found ${process.versions.node}: name a newer one in MLTOP_NODE, or put it first on PATH\n`,
    );
    process.exitCode = 2;
    return;
  }
  // The V8 compile cache saves about 25 ms of every start after the first.
  (await import('node:module')).enableCompileCache?.();
  const { run } = await import('./cli/run.ts');
  await run(args, { openScreen: async (options) => (await import('./wire.tsx')).openScreen(options) });
}

await main(process.argv.slice(2));
