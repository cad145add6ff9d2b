import { expect, test } from 'vitest';
import { cleanObject } from '../../src/describe/clean.ts';
import { describe, type Related } from '../../src/describe/index.ts';
import { configuration } from './objects.ts';

const now = Date.parse('2026-11-25T12:00:00Z');

/** As an object of that name is described. */
function described(name: string, related: Related = { events: [], secrets: [] }): string {
  const object = configuration.find(({ metadata }) => metadata?.name === name) ?? expect.fail(name);
  const made = { ...object.metadata, uid: 'u1', creationTimestamp: '2026-11-25T04:47:22Z' };
  return describe(cleanObject({ ...object, metadata: made }), related, now);
}

test('a config map says its texts, and of what is no text the size', () => {
  expect(described('many')).toMatchInlineSnapshot(`
    "Name:         many
    Namespace:    team-e
    Labels:       a=b
    Annotations:  note: hello

    Data
    ====
    a:
    ----
    one

    b.txt:
    ----
    x
    y


    BinaryData
    ====
    bin: 3 bytes

    Events:  <none>
    "
  `);
});

test('a secret says sizes', () => {
  expect(described('two')).toMatchInlineSnapshot(`
    "Name:         two
    Namespace:    team-e
    Labels:       <none>
    Annotations:  <none>

    Type:  kubernetes.io/tls

    Data
    ====
    tls.crt:  3 bytes
    tls.key:  4 bytes
    "
  `);
});

test('a service account names secrets that are not there; without the right to see them it claims nothing', () => {
  const token = {
    metadata: {
      name: 'robot-token',
      annotations: {
        'kubernetes.io/service-account.name': 'robot',
        'kubernetes.io/service-account.uid': 'u1',
      },
    },
    type: 'kubernetes.io/service-account-token',
  };
  expect(
    described('robot', { events: [], secrets: [token, { metadata: { name: 'two' } }] }),
  ).toMatchInlineSnapshot(`
    "Name:                robot
    Namespace:           team-e
    Labels:              x=yes
    Annotations:         <none>
    Image pull secrets:  regcred (not found)
                         other (not found)
    Mountable secrets:   two
    Tokens:              robot-token
    Events:              <none>
    "
  `);
  expect(described('robot', { events: undefined })).toMatchInlineSnapshot(`
    "Name:                robot
    Namespace:           team-e
    Labels:              x=yes
    Annotations:         <none>
    Image pull secrets:  regcred
                         other
    Mountable secrets:   two
    Tokens:              <unknown>
    "
  `);
});

test('a storage class and a priority class say whether they are the default', () => {
  expect(described('rich')).toMatchInlineSnapshot(`
    "Name:                  rich
    IsDefaultClass:        Yes
    Annotations:           storageclass.kubernetes.io/is-default-class=true
    Provisioner:           x.csi
    Parameters:            type=ssd,zone=a
    AllowVolumeExpansion:  True
    MountOptions:
      ro
      nolock
    ReclaimPolicy:      Retain
    VolumeBindingMode:  WaitForFirstConsumer
    AllowedTopologies:  
      Term 0:           zone in [a, b]
                        rack in [r1]
    Events:             <none>
    "
  `);
  expect(described('plain')).toMatchInlineSnapshot(`
    "Name:                  plain
    IsDefaultClass:        No
    Annotations:           <none>
    Provisioner:           y.csi
    Parameters:            <none>
    AllowVolumeExpansion:  <unset>
    MountOptions:          <none>
    Events:                <none>
    "
  `);
  expect(described('high')).toMatchInlineSnapshot(`
    "Name:              high
    Value:             1000
    GlobalDefault:     true
    PreemptionPolicy:  Never
    Description:       important things
    Annotations:       <none>
    Events:            <none>
    "
  `);
});

test('a network policy says who may talk to whom', () => {
  expect(described('np')).toMatchInlineSnapshot(`
    "Name:         np
    Namespace:    team-e
    Created on:   2026-11-25 04:47:22 +0000 UTC
    Labels:       <none>
    Annotations:  <none>
    Spec:
      PodSelector:     app=x,tier in (a,b)
      Allowing ingress traffic:
        To Port: 80/TCP
        To Port Range: 8000-9000/TCP
        To Port: http/TCP
        From:
          PodSelector: role=client
        From:
          NamespaceSelector: team=a
          PodSelector: role=other
        From:
          IPBlock:
            CIDR: 10.0.0.0/8
            Except: 10.1.0.0/16, 10.2.0.0/16
        ----------
        To Port: <any> (traffic allowed to all ports)
        From: <any> (traffic not restricted by source)
      Allowing egress traffic:
        To Port: <any> (traffic allowed to all ports)
        To:
          NamespaceSelector: <none>
      Policy Types: Ingress, Egress
    "
  `);
  expect(described('deny')).toMatchInlineSnapshot(`
    "Name:         deny
    Namespace:    team-e
    Created on:   2026-11-25 04:47:22 +0000 UTC
    Labels:       <none>
    Annotations:  <none>
    Spec:
      PodSelector:     <none> (Allowing the specific traffic to all pods in this namespace)
      Allowing ingress traffic:
        <none> (Selected pods are isolated for ingress connectivity)
      Not affecting egress traffic
      Policy Types: Ingress
    "
  `);
});
