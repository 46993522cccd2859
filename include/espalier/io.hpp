// SPDX-License-Identifier: MIT
/// @file Everything in io/. Safetensors files, table encoders and COCO need nlohmann_json; without it on the include path they are left
/// out.
#pragma once

#include <espalier/io/alpha.hpp>
#include <espalier/io/column_indices.hpp>
#include <espalier/io/column_kind.hpp>
#include <espalier/io/csv.hpp>
#include <espalier/io/csv_stream.hpp>
#include <espalier/io/dtype.hpp>
#include <espalier/io/endian.hpp>
#include <espalier/io/exif.hpp>
#include <espalier/io/file.hpp>
#include <espalier/io/gzip.hpp>
#include <espalier/io/idx.hpp>
#include <espalier/io/image.hpp>
#include <espalier/io/image_files.hpp>
#include <espalier/io/image_folder.hpp>
#include <espalier/io/image_set.hpp>
#include <espalier/io/image_table.hpp>
#include <espalier/io/jpeg.hpp>
#include <espalier/io/layout.hpp>
#include <espalier/io/numbers.hpp>
#include <espalier/io/pixels.hpp>
#include <espalier/io/png.hpp>
#include <espalier/io/resize.hpp>
#include <espalier/io/tensor_file.hpp>

#if __has_include(<nlohmann/json.hpp>)
#include <espalier/io/coco.hpp>
#include <espalier/io/model.hpp>
#include <espalier/io/pytorch.hpp>
#include <espalier/io/safetensors.hpp>
#include <espalier/io/table_encoder.hpp>
#endif
