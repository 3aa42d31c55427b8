import type { DescEnum, DescMessage, DescService, Registry } from "@bufbuild/protobuf";
import { asDescEnum } from "./lazy-enum.ts";
import type { LazyFile } from "./lazy-file.ts";
import { asDescMessage } from "./lazy-message.ts";
import { asDescService } from "./lazy-service.ts";

/** All types of some files, found by name: nothing is read of a type that nobody asks for. `more`: types of other files. */
export function createLazyRegistry(files: readonly LazyFile[], more: Registry): Registry {
  const byPackage = new Map<string, LazyFile[]>();
  for (const file of files) {
    const there = byPackage.get(file.package);
    if (there === undefined) byPackage.set(file.package, [file]);
    else there.push(file);
  }
  /** Files that may hold a name: those of its package, for nested types of one further up. */
  const find = <T>(typeName: string, look: (file: LazyFile) => T | undefined): T | undefined => {
    for (let end = typeName.lastIndexOf("."); end > 0; end = typeName.lastIndexOf(".", end - 1)) {
      for (const file of byPackage.get(typeName.slice(0, end + 1)) ?? []) {
        const found = look(file);
        if (found !== undefined) return found;
      }
    }
    return undefined;
  };
  const getMessage = (typeName: string): DescMessage | undefined => {
    const found = find(typeName, (file) => file.ownMessage(typeName));
    return found === undefined ? more.getMessage(typeName) : asDescMessage(found);
  };
  const getEnum = (typeName: string): DescEnum | undefined => {
    const found = find(typeName, (file) => file.ownEnum(typeName));
    return found === undefined ? more.getEnum(typeName) : asDescEnum(found);
  };
  const getService = (typeName: string): DescService | undefined => {
    const found = find(typeName, (file) => file.services.find((service) => service.typeName === typeName));
    return found === undefined ? more.getService(typeName) : asDescService(found);
  };
  return {
    kind: "registry",
    get: (typeName) => getMessage(typeName) ?? getEnum(typeName) ?? getService(typeName) ?? more.get(typeName),
    getMessage,
    getEnum,
    getService,
    getExtension: (typeName) => more.getExtension(typeName),
    getExtensionFor: (extendee, number) => more.getExtensionFor(extendee, number),
    *[Symbol.iterator]() {
      yield* more;
      for (const file of files) {
        yield* file.allMessages().map(asDescMessage);
        yield* file.allEnums().map(asDescEnum);
        yield* file.services.map(asDescService);
      }
    },
  };
}
