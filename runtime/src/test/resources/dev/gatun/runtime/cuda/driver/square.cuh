#pragma once
#include "number.cuh"
