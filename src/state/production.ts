/** Names that mean people depend on it: `gke_prod-eu_ml-1`, `live`, `acme/prd` (ux 7.3). */
export const looksLikeProduction = (name: string): boolean =>
  /(^|[-_./:@])(prod|prd|live|production)([-_./:@0-9]|$)/i.test(name);
