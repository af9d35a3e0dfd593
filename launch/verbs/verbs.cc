#include "launch/verbs/verbs.h"

namespace permafrost::launch {

const std::vector<Verb>& verbs() {
  static const std::vector<Verb> kVerbs{
      {"demo", "renders the small motion data set of the quickstart and trains its frozen encoder", " --out DIR",
       "permafrost demo --out runs/quickstart", {"out", "threads", "demo."}, false, &run_demo_verb},
      {"dataset", "reads a data set's own list, probes every file and writes a manifest",
       " scan --list FILE --root DIR --out MANIFEST [--decode] | info --manifest FILE",
       "permafrost dataset scan --list k400/train.csv --root k400/videos --out manifest.jsonl",
       {"list", "root", "manifest", "out", "decode", "json", "config"}, true, &run_dataset},
      {"cache", "turns videos into frozen features once",
       " build --manifest FILE --encoder DIR --out DIR | verify --cache DIR | info --cache DIR",
       "mpirun -np 2 permafrost cache build --config configs/demo.ini --manifest m.jsonl --encoder clip --out cache",
       {"manifest", "encoder", "out", "cache", "threads", "json", "config", "sampling.", "cache."}, true, &run_cache},
      {"train", "trains DiST on cached features; resumes by itself", " --cache DIR --run DIR",
       "mpirun -np 2 permafrost train --config configs/demo.ini --cache cache --run runs/a",
       {"cache", "run", "threads", "config", "model.", "recipe.", "train."}, true, &run_train},
      {"eval", "evaluates a run: multi-view, every video counted once",
       " --run DIR (--cache DIR | --manifest FILE --encoder DIR) [--probe]",
       "mpirun -np 2 permafrost eval --cache cache --run runs/a",
       {"cache", "manifest", "encoder", "run", "out", "probe", "json", "threads", "config", "eval."}, true, &run_eval},
      {"predict", "names the action in a video", " --run DIR --encoder DIR VIDEO ...",
       "permafrost predict --run runs/a --encoder clip video.mp4",
       {"run", "encoder", "json", "threads", "config", "predict."}, false, &run_predict},
      {"checkpoint", "tells about a run's checkpoints and proves them whole", " info --run DIR | verify --run DIR",
       "permafrost checkpoint info --run runs/a --json", {"run", "json"}, false, &run_checkpoint},
      {"report", "writes a run's one-page HTML report", " --run DIR [--cache DIR] [--manifest FILE] [--out FILE]",
       "permafrost report --run runs/a --out report.html", {"run", "cache", "manifest", "out"}, false, &run_report},
  };
  return kVerbs;
}

}  // namespace permafrost::launch
