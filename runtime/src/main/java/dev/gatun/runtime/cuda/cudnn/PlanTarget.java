package dev.gatun.runtime.cuda.cudnn;

/** The GPU that plans are made for. */
public sealed interface PlanTarget permits CudnnHandle, DeviceProperties {}
