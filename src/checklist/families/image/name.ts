import { editOwner, setImage, undoRollout } from '../../fixes.ts';
import { at, brief } from '../../read.ts';
import { cause } from '../../state.ts';
import type { FaultText } from './fault.ts';

/** What keeps it from being a reference. */
function flaw(raw: string, visible: string, said: string): string {
  if (raw === '') return 'it is empty';
  if (visible !== raw) return `it holds invisible or blank characters: ${visible}`;
  if (/\$\{?\w|\{\{/.test(raw)) return 'a template placeholder was not filled in';
  if (/^https?:\/\//.test(raw)) return 'it starts with a scheme';
  if (/[A-Z]/.test(raw.replace(/[:@][^/]*$/, ''))) return 'repository names are lower case';
  if (/:[^/]*:/.test(raw.replace(/^[^/]*\//, ''))) return 'it has two tags';
  if (/:$/.test(raw)) return 'its tag is empty';
  return /short-name|alias/.test(said)
    ? 'it names no registry, and this node searches none'
    : 'it is not a valid reference';
}

/** The reference is none. */
export const invalidName: FaultText = {
  label: (_, found) => `invalid image name: ${found.image}`,
  explain: (facts, found) => {
    const raw = String(at(found.container.spec, 'image') ?? found.image);
    const visible = [...raw]
      .map((char) =>
        char.charCodeAt(0) > 126 || char.charCodeAt(0) < 33
          ? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
          : char,
      )
      .join('');
    return {
      causes: [
        cause(
          'F7.invalid-name',
          'proven',
          `the image name is invalid: ${visible} (${flaw(raw, visible, found.said)})`,
          setImage(facts, found.container),
          undoRollout(facts),
        ),
      ],
    };
  },
};

/** An image that is mounted as a volume. */
export const volumeImage: FaultText = {
  label: (_, found) => `image volume: ${found.image}`,
  explain: (facts, found) => ({
    causes: [
      cause(
        'F12.volume-image',
        'likely',
        `the image ${found.image} of volume ${found.volume ?? ''} cannot be pulled: ${brief(found.said)}`,
        editOwner(facts, 'Correct the reference of the volume'),
      ),
    ],
  }),
};
