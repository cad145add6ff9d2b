import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createTheme, parseTheme, type Theme, type ThemeOptions, themeNamed, themeNames } from './theme.ts';

/**
 * The theme that `--theme`, the configuration or `:theme` names: a built-in one, or a path to a JSON file (anything with a
 * `/` or ending in `.json`). What is wrong is an error that names the file and the token.
 */
export function loadTheme(choice: string, options: ThemeOptions): Theme {
  if (themeNames.includes(choice) || !(choice.includes('/') || choice.endsWith('.json')))
    return themeNamed(choice, options);
  const path = choice.startsWith('~/') ? join(homedir(), choice.slice(2)) : choice;
  let json: string;
  try {
    json = readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(`${choice}: cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  return createTheme(parseTheme(json, choice), options);
}
