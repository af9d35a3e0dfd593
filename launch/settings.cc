#include "launch/settings.h"

#include "core/encoder/architectures.h"
#include "data/cache/codec.h"
#include "data/dataset/list.h"

namespace permafrost::launch {
namespace {

std::vector<std::string> encoder_choices() {
  std::vector<std::string> choices = core::architecture_names();
  choices.insert(choices.begin(), "any");
  return choices;
}

// "b16" of "vit_b16".
std::vector<std::string> short_encoder_names() {
  std::vector<std::string> names;
  for (const std::string& name : core::architecture_names()) names.push_back(name.substr(sizeof("vit_") - 1));
  return names;
}

void add_paths(core::OptionTable& table, Settings& s) {
  table.section("", "Paths and switches");
  table.add("config", &s.path.config, "INI file of options; the command line wins over it");
  table.add("list", &s.path.lists, "a data set's own list of videos; several are read one after the other");
  table.add("root", &s.path.root, "folder that the list's paths start from");
  table.add("manifest", &s.path.manifest, "manifest of a data set, as `dataset scan` writes it");
  table.add("encoder", &s.path.encoder,
            "folder or .safetensors file of the frozen encoder: CLIP, DINOv2, SigLIP or ViT");
  table.add("labels", &s.text.labels, "label map: kinetics400, ssv2, ... or a file with one class name a line");
  table.add("vocabulary", &s.text.vocabulary, "CLIP's: folder of vocab.json and merges.txt, or the .txt.gz of merges");
  table.add("template", &s.text.templates, "sentence with {} for the class name; several are averaged");
  table.add("cache", &s.path.cache, "folder of a feature cache");
  table.add("run", &s.path.run, "folder of a training run");
  table.add("text", &s.path.text, "class-name features, as `permafrost text` writes them");
  table.add("from", &s.path.from,
            "released DiST weights, converted to safetensors; of plan --simulate, a training run that was measured");
  table.add("init-from", &s.path.init_from,
            "run, or released weights in safetensors, whose network a new run starts from");
  table.add("scores", &s.path.scores, "file for the scores of every video, to be combined with others");
  table.add("combine", &s.path.combined, "files of scores whose average is evaluated: an ensemble");
  table.add("weights", &s.eval.weights, "W,W,...: of the files of --combine, one for each; all the same if not given");
  table.add("sweep", &s.sweep,
            "NAME=VALUE,VALUE,...: a network for each combination, over one forward: lr, wd, warmup, warmup_start, "
            "smoothing, clip, ema");
  table.add("checkpoint", &s.eval.checkpoint,
            "which of the run's: the newest, or the best by train.evaluate_every_epochs", {"newest", "best"});
  table.add("stage", &s.path.stage, "folder on the node's own disk for copies of the shards that are read next");
  table.add("stage-gb", &s.stage.gigabytes, "GB that these copies may take on each node (needs --stage)");
  table.add("ids", &s.path.ids, "video to remove, or a file of an id a line; several may be given");
  table.add("deep", &s.has.deep, "check and decode every record too");
  table.add("repair", &s.has.repair, "build again what is broken, and nothing else (needs --manifest and --encoder)");
  table.add("retry-rejected", &s.has.retry_rejected,
            "cache build: try rejected videos again, even where their files are the same as then");
  table.add("out", &s.path.out, "where the verb writes its result");
  table.add("threads", &s.threads, "compute threads of a rank; 0: the node's cores shared by its ranks");
  table.add("device", &s.device, "where a rank computes; auto: on a GPU of its own where there is one",
            {"auto", "cpu", "cuda"});
  table.add("allow-outside-root", &s.has.allow_outside_root, "accept absolute paths, and links that leave the root");
  table.add("isolate", &s.has.isolate, "decode in a child process with limits on memory and time");
  table.add("list-format", &s.dataset.list_format, "of --list", data::list_formats());
  table.add("fold", &s.dataset.fold, "which of HMDB51's three splits");
  table.add("time-limit", &s.dataset.time_limit, "seconds that one isolated file may take");
  table.add("memory-limit", &s.dataset.memory_limit, "MiB that one isolated file may take");
  table.add("split", &s.dataset.split, "of lists that do not say: train, val or test; by the list's name if not given");
  table.add("frames", &s.dataset.frames, "frames of the clip");
  table.add("view", &s.dataset.view, "which view of the video, from 0");
  table.add("views", &s.dataset.views, "of how many; of cache build: the same as sampling.train_views");
  table.add("nodes", &s.plan.nodes, "of the machine that is planned for");
  table.add("gpus", &s.plan.gpus, "devices of each node; 1 where it has none");
  table.add("storage-gbps", &s.plan.storage_gbps, "GB/s that each node reads for hours on end");
  table.add("rates", &s.plan.rates, "file of lines that `permafrost bench` printed, instead of assumed rates");
  table.add("simulate", &s.has.simulate, "how a step's time grows from 1 to 1024 ranks, instead of what a job takes");
  table.add("link-gbit", &s.plan.link_gbit, "Gbit/s of each node's network link: of --simulate");
  table.add("link-latency-us", &s.plan.link_latency_us, "microseconds of a message over it, one way");
  table.add("decode", &s.has.decode, "decode every video to its end, not only its index");
  table.add("probe", &s.has.probe, "evaluate a linear probe on mean-pooled frozen features instead of the run");
  table.add("summary", &s.has.summary, "print what earlier evaluations of the run found, side by side");
  table.add("json", &s.has.json, "print the result as JSON");
  table.add("progress", &s.progress, "auto: a bar on a terminal, elsewhere a line every 30 s; always: the bar",
            {"auto", "always", "never"});
  table.add("quiet", &s.has.quiet, "no progress, and of the log only warnings and errors");
  table.add("print-config", &s.has.print_config, "print every option's value and origin, and stop");
  table.add("help", &s.has.help, "this text");
}

void add_data(core::OptionTable& table, Settings& s) {
  table.section("sampling", "Sampling: which frames make a clip");
  table.add("frames", &s.sampling.frames, "F, frames of the temporal encoder");
  table.add("alpha", &s.sampling.alpha, "the frozen encoder sees every alpha-th frame");
  table.add("train_views", &s.sampling.train_views, "K, random clips kept of each training video");
  table.add("eval_views", &s.sampling.eval_views, "clips averaged over each evaluated video");
  table.add("eval_crops", &s.sampling.eval_crops,
            "squares of each evaluated clip: 1 centre, or 3 along the longer side");
  table.add("resize", &s.sampling.resize, "bilinear: as the released models; bicubic-aa: as CLIP",
            {"bilinear", "bicubic-aa"});
  table.add("seed", &s.sampling.seed, "of the training views' frames and augmentation");
  table.add("augment", &s.sampling.augment, "paper: crop, flip and grey the training views; none: centre crops",
            {"none", "paper"});
  table.add("crop_scale_min", &s.sampling.augmentation.crop.scale_low, "share of the frame that a random crop keeps");
  table.add("crop_scale_max", &s.sampling.augmentation.crop.scale_high, "and at most");
  table.add("crop_ratio_min", &s.sampling.augmentation.crop.ratio_low, "width / height of a random crop");
  table.add("crop_ratio_max", &s.sampling.augmentation.crop.ratio_high, "and at most");
  table.add("flip", &s.sampling.augmentation.flip, "probability of mirroring; swaps the left and right labels of SSv2");
  table.add("grayscale", &s.sampling.augmentation.grayscale, "probability of grey frames");
  table.add("jitter", &s.sampling.augmentation.jitter, "probability of colour jitter");
  table.section("cache", "Cache");
  table.add("codec", &s.cache.codec, "how features are stored", data::codec_names());
  table.add("bits", &s.cache.bits, "lowrank: bits a value, 2 to 8");
  table.add("layers", &s.cache.layers, "which of the encoder's are stored: all, 0,3,11, every:2 or last:6");
  table.add("tokens", &s.cache.tokens, "pool2: patch tokens averaged two by two", {"full", "pool2"});
  table.add("image_size", &s.cache.image_size, "side of the encoder's frames, positions interpolated; 0: its own");
  table.add("encoder_dtype", &s.cache.encoder_dtype, "in which the frozen encoder runs", {"fp32", "bf16", "fp16"});
  table.add("videos_per_shard", &s.cache.videos_per_shard, "a killed build repeats at most this many per rank");
}

void add_training(core::OptionTable& table, Settings& s) {
  table.add("audit_clips", &s.cache.audit_clips, "videos that codecs are measured on");
  table.section("model", "Model: DiST's trainable network");
  table.add("integration_dim", &s.model.integration_dim, "d, a multiple of 64");
  table.add("temporal_dim", &s.model.temporal_dim, "c");
  table.add("pooling_layers", &s.model.pooling_layers, "A, adaptive pooling layers");
  table.add("temporal_patch", &s.model.temporal_patch, "frames under a kernel of the temporal stem, odd");
  table.add("embedding", &s.model.embedding, "e, width of the clip embedding; a text head has that of its text");
  table.add("encoder", &s.model.encoder, "the frozen encoder's architecture; any: whatever --encoder holds",
            encoder_choices());
  table.add("head", &s.model.head, "text: cosine with class names; linear; verb_noun: labels VERB/NOUN",
            {"text", "linear", "verb_noun"});
  table.section("recipe", "Recipe");
  table.add("epochs", &s.recipe.schedule.epochs, "passes over the training set");
  table.add("batch", &s.recipe.batch, "clips of a global batch, over all ranks");
  table.add("learning_rate", &s.recipe.schedule.learning_rate, "of the cosine at epoch 0");
  table.add("warmup_epochs", &s.recipe.schedule.warmup_epochs, "straight line up to the cosine");
  table.add("warmup_start", &s.recipe.schedule.warmup_start, "learning rate at epoch 0");
  table.add("weight_decay", &s.recipe.weight_decay, "of weights; biases, tokens and norms have none");
  table.add("label_smoothing", &s.recipe.label_smoothing, "share of the target spread over all classes");
  table.add("clip_norm", &s.recipe.clip_norm,
            "largest norm of all gradients together; longer ones are shortened; 0: none");
  table.add("ema_decay", &s.recipe.ema_decay,
            "of the average of the weights that evaluation, predict and export then use; 0: the weights themselves");
  table.add("mixup", &s.recipe.mix.mixup, "alpha of mixup; 0: none");
  table.add("cutmix", &s.recipe.mix.cutmix, "alpha of cutmix; 0: none");
  table.add("cutmix_probability", &s.recipe.mix.cutmix_probability, "of cutmix instead of mixup, where both are on");
  table.add("mix_group", &s.recipe.mix.group,
            "clips mixed with one another, even; no rank or micro-batch may cut a "
            "group; 0: no mixing");
  table.add("seed", &s.recipe.seed, "of initial weights, order and mixing");
  table.section("train", "Training");
  table.add("checkpoint_every_epochs", &s.train.checkpoint_every_epochs, "and always one at the end");
  table.add("checkpoint_every_steps", &s.train.checkpoint_every_steps, "and one after so many steps; 0: none");
  table.add("checkpoint_every_minutes", &s.train.checkpoint_every_minutes, "and one after so many minutes; 0: none");
  table.add("evaluate_every_epochs", &s.train.evaluate_every_epochs,
            "on the videos of the split val, and at the end; the best checkpoint is kept; 0: never");
  table.add("most_skipped_steps", &s.train.most_skipped_steps,
            "at most, in a row, because their gradient is not finite; one more ends the training");
  table.add("keep_checkpoints", &s.train.keep_checkpoints, "the newest ones");
  table.add("log_every_steps", &s.train.log_every_steps, "lines of metrics.jsonl");
  table.add("loader_threads", &s.train.loader_threads, "threads that read clips ahead");
  table.add("prefetch_batches", &s.train.prefetch_batches, "batches read ahead, in memory");
  table.add("micro_batch", &s.train.micro_batch, "clips of one forward; 0: the rank's whole share");
  table.add("bucket_mib", &s.train.bucket_mib, "gradient bucket reduced at once, MiB");
  table.add("precision", &s.train.precision, "bf16: products in bfloat16, weights and sums in float32",
            {"fp32", "bf16"});
  table.add("recompute", &s.train.recompute,
            "layers: backward runs each layer once more instead of keeping what it computed; less memory, same bits",
            {"none", "layers"});
  table.section("deadline", "Deadlines: seconds in which some rank has to get on, or the job ends; 0: none");
  table.add("start", &s.deadline.start, "starting MPI, opening the cache, reading a checkpoint");
  table.add("step", &s.deadline.step,
            "a batch, a step or one of its micro-batches, a checkpoint, a clip of an evaluation, a video of a build");
  table.add("shutdown", &s.deadline.shutdown, "the last checkpoint, leaving MPI");
}

void add_results(core::OptionTable& table, Settings& s) {
  table.section("eval", "Evaluation");
  table.add("split", &s.eval.split, "which videos", {"train", "val", "test"});
  table.add("frame_order", &s.eval.frame_order, "shuffled: does the model need time? (needs --manifest, --encoder)",
            {"natural", "shuffled"});
  table.add("labels", &s.eval.labels,
            "choose among these classes only: kinetics400 for a run of Kinetics-710, or a file");
  table.add("batch", &s.eval.batch, "clips of one forward");
  table.add("clip_weight", &s.eval.clip_weight, "zero-shot: share of CLIP's own logits, 0 to 1 (needs --encoder)");
  table.section("predict", "Prediction");
  table.add("top", &s.predict.top, "classes to print");
  table.section("bench", "Benchmarks");
  table.add("seconds", &s.bench.seconds, "least time of a measurement");
  table.add("batch", &s.bench.batch, "clips of a batch; 0: 4 of loader, 1 of others");
  table.add("cold", &s.bench.cold, "loader: forget the files before each round");
  table.add("decoder_threads", &s.bench.decoder_threads, "decode: threads of each file");
  table.add("arch", &s.bench.arch, "vit, train-step: geometry of the frozen encoder", short_encoder_names());
  table.add("dtype", &s.bench.dtype, "gemm, vit, train-step: type of the products", {"fp32", "bf16"});
  table.add("features", &s.bench.features, "train-step: memory, cached or online; several take turns");
  table.add("steps", &s.bench.steps, "gemm, vit, train-step: rounds that are measured; checkpoint: steps of a block");
  table.section("plan", "Plan");
  table.add("train_videos", &s.plan.train_videos, "0: the manifest's, or as published for the config's data set");
  table.add("eval_videos", &s.plan.eval_videos, "of all other splits; 0: likewise");
  table.add("frozen_tflops", &s.plan.frozen_tflops,
            "TFLOP/s that a device achieves in the frozen forward; 0: assumed by cache.encoder_dtype");
  table.add("step_tflops", &s.plan.step_tflops, "and in a train step; 0: assumed by train.precision");
  table.add("decode_clips", &s.plan.decode_clips, "clips that a core decodes in a second");
  table.add("cores", &s.plan.cores, "of each node; 0: 8 for each of its devices");
  table.add("write_gbps", &s.plan.write_gbps, "GB/s that each node writes; 0: as it reads");
  table.add("inner_gbit", &s.plan.inner_gbit, "Gbit/s between two ranks of a node; 0: 40 of CPUs, 2400 of GPUs");
  table.add("inner_latency_us", &s.plan.inner_latency_us, "microseconds of a message between them");
  table.add("spread", &s.plan.spread,
            "standard deviation of compute over the ranks, as a share of it; -1: as measured, else 0");
  table.add("capacity_tb", &s.plan.capacity_tb, "TB that a cache may take; 0: no bound");
  table.section("demo", "Demo");
  table.add("train_clips_per_class", &s.demo.train_clips_per_class, "0: the demo's own number");
  table.add("validation_clips_per_class", &s.demo.validation_clips_per_class, "0: the demo's own number");
  table.add("encoder_steps", &s.demo.encoder_steps, "training steps of the image encoder; 0: the demo's own number");
  table.add("seed", &s.demo.seed, "of scenes and encoder");
}

}  // namespace

core::OptionTable make_option_table(Settings& settings) {
  core::OptionTable table;
  add_paths(table, settings);
  add_data(table, settings);
  add_training(table, settings);
  add_results(table, settings);
  return table;
}

}  // namespace permafrost::launch
