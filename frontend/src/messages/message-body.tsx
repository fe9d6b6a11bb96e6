import { FileText, Lightbulb, Wrench } from "lucide-react";
import { useLabels } from "../labels/context";
import { sentence } from "../ui/sentence";
import { Disclosure } from "./disclosure";
import { Figure, OutsideLink } from "./links";
import { Markdown } from "./markdown";
import styles from "./message-body.module.css";
import { outputParts } from "./output-parts";
import type { CallPart, Part } from "./part";
import { Value } from "./value";

/** A quarter of all the code, so it loads with the first open chat. */
export function MessageBody({ parts }: { parts: readonly Part[] }) {
  return (
    <div className={styles.body}>
      {parts.map((part, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: parts have no ids, and keep their order while a message grows
        <PartBody key={index} part={part} />
      ))}
    </div>
  );
}

function PartBody({ part }: { part: Part }) {
  const labels = useLabels();
  switch (part.kind) {
    case "text":
      return <Markdown text={part.text} />;
    case "refusal":
      return (
        <div className={styles.refusal}>
          <strong>{labels.refused}</strong>
          <Markdown text={part.text} />
        </div>
      );
    case "reasoning":
      return (
        <Disclosure icon={<Lightbulb aria-hidden />} summary={labels.reasoning}>
          <Markdown text={part.text} />
        </Disclosure>
      );
    case "image":
      return <Figure url={part.url} name={part.name} />;
    case "link":
      return <OutsideLink url={part.url}>{part.name ?? part.url}</OutsideLink>;
    case "file":
      return (
        <span className={styles.file}>
          <FileText aria-hidden /> {part.name ?? labels.file}
        </span>
      );
    case "call":
      return <Call call={part} />;
    case "result":
      return (
        <Disclosure
          icon={<Wrench aria-hidden />}
          summary={sentence(labels.toolResult, part.name ?? part.callId ?? labels.tool)}
        >
          <Output output={part.output} />
        </Disclosure>
      );
    case "other":
      return (
        <Disclosure icon={<FileText aria-hidden />} summary={part.type}>
          <Value value={part.value} />
        </Disclosure>
      );
  }
}

function Call({ call: { name, input, result } }: { call: CallPart }) {
  const labels = useLabels();
  return (
    <Disclosure
      icon={<Wrench aria-hidden />}
      summary={sentence(result?.isError ? labels.toolFailed : labels.toolUsed, name || labels.tool)}
    >
      {input !== undefined && (
        <>
          <h3 className={styles.label}>{labels.toolInput}</h3>
          <Value value={input} />
        </>
      )}
      {result && (
        <>
          <h3 className={styles.label}>{labels.toolOutput}</h3>
          <Output output={result.output} />
        </>
      )}
    </Disclosure>
  );
}

/** A tool result: text, JSON, or parts such as images. */
function Output({ output }: { output: unknown }) {
  return outputParts(output).map((part, index) =>
    part.kind === "text" || part.kind === "other" ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: a result does not change
      <Value key={index} value={part.kind === "text" ? part.text : part.value} />
    ) : (
      // biome-ignore lint/suspicious/noArrayIndexKey: a result does not change
      <PartBody key={index} part={part} />
    ),
  );
}
