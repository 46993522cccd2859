// SPDX-License-Identifier: MIT
// In the place of libFuzzer's main: runs a target over every file of the folders that it is given, with any compiler.
#include "fuzz/property.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

int main(int argc, char* argv[]) {
    int files = 0;
    for (int i = 1; i < argc; ++i)
        for (const auto& entry : std::filesystem::directory_iterator{argv[i]}) {
            std::ifstream in{entry.path(), std::ios::binary};
            const std::string bytes{std::istreambuf_iterator<char>{in}, {}};
            std::printf("%s\n", entry.path().filename().c_str());
            std::fflush(stdout);  // the last name is that of the file that ends the program
            LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
            ++files;
        }
    std::printf("%d files\n", files);
    return files > 0 ? 0 : 1;
}
