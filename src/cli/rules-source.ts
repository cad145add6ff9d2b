import { type Rules, rulesOf } from '../checklist/rules.ts';
import { firstProblem, type PackFile, readPacks } from '../feed/rule-packs.ts';
import { version } from '../version.ts';
import { type CommandIo, UsageError } from './io.ts';

/** The files of the packs that were named, else of the configuration folder. @throws UsageError for one that is not there */
export async function packFiles(paths: readonly string[], io: CommandIo): Promise<readonly PackFile[]> {
  const { files, unreadable } = await readPacks(paths, io.env, version);
  const [missing] = unreadable;
  if (missing !== undefined)
    throw new UsageError(`${missing}: cannot be read`, 'Name a rule pack, or a folder of them.');
  return files;
}

/**
 * The rules of the packs that were named, else of the configuration folder. A broken pack of the folder is left out with a
 * line on stderr; a broken one that was named is an error.
 */
export async function loadRules(paths: readonly string[], io: CommandIo): Promise<Rules | undefined> {
  const packs = (await packFiles(paths, io)).flatMap((file) => {
    const { pack } = file.loaded;
    if (pack !== undefined) return [pack];
    if (paths.length > 0)
      throw new UsageError(firstProblem(file), `mltop rules lint ${file.path} lists all problems.`);
    io.stderr.write(`mltop: left out ${firstProblem(file)}\n`);
    return [];
  });
  return rulesOf(packs);
}
