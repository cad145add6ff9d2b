import type { PodState } from '../../state.ts';
import { attach, multiAttach } from './attach.ts';
import { silent, starting } from './kubelet.ts';
import { mount, objectMissing } from './mount.ts';
import { network } from './network.ts';
import { draPrepare, runtimeHandler, sandbox } from './sandbox.ts';

export const volumeStates: readonly PodState[] = [multiAttach, objectMissing, attach, mount];

export const sandboxStates: readonly PodState[] = [runtimeHandler, network, draPrepare, sandbox];

export const lateStates: readonly PodState[] = [silent, starting];
