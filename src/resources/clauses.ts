/** One after the other, `; ` between them. What Kubernetes says ends with a full stop, which only the last may keep. */
export const clauses = (parts: readonly string[]): string =>
  parts.map((part, at) => (at < parts.length - 1 ? part.replace(/\.\s*$/, '') : part)).join('; ');
