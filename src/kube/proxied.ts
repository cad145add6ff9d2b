/**
 * The path behind which a pod's own HTTP server is reached through the API server. Needs `get pods/proxy`, which opens
 * every port of the pod: only asked for where a person looks at what it measures.
 */
export function podProxyPath(
  pod: { readonly namespace: string; readonly name: string },
  { scheme, port, path }: { readonly scheme: 'http' | 'https'; readonly port: number; readonly path: string },
): string {
  const prefix = scheme === 'https' ? 'https:' : '';
  return `/api/v1/namespaces/${encodeURIComponent(pod.namespace)}/pods/${prefix}${encodeURIComponent(pod.name)}:${port}/proxy${path}`;
}

/** The same for one of a service's endpoints. The API server keeps the Authorization header for itself. */
export function serviceProxyPath(
  service: { readonly namespace: string; readonly name: string },
  {
    scheme,
    port,
    path,
  }: { readonly scheme: 'http' | 'https' | ''; readonly port: string; readonly path: string },
): string {
  const prefix = scheme === '' ? '' : `${scheme}:`;
  return `/api/v1/namespaces/${encodeURIComponent(service.namespace)}/services/${prefix}${encodeURIComponent(service.name)}:${port}/proxy${path}`;
}
