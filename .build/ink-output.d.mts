import type { Plugin } from 'esbuild';

export const upstreamHash: string;
export function inkOutputPlugin(options?: { readonly isStock?: boolean }): Plugin;
export function patchOutput(source: string): string;
